from django.http import Http404


def new_instance(request):
    raise Http404


def summary(request):
    raise Http404
