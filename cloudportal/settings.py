"""What the portal needs to know before it runs. Everything an operator changes while it runs
is a global setting in the database instead (``listConfigurations``)."""

from pathlib import Path

from cloudportal import environment

BASE_DIR = Path(__file__).resolve().parent.parent
DATA = Path(environment.text("CLOUDPORTAL_DATA", str(BASE_DIR / "var"))).resolve()
LISTEN = environment.listen("CLOUDPORTAL_LISTEN", "127.0.0.1:8080")
VIRT = environment.choice("CLOUDPORTAL_VIRT", "auto", ("auto", "kvm", "qemu", "simulator"))
LIBVIRT_URI = environment.text("CLOUDPORTAL_LIBVIRT_URI", "qemu:///system")
# Lets a console gateway on another machine redeem tickets; off unless set.
GATEWAY_SECRET = environment.text("CLOUDPORTAL_GATEWAY_SECRET")
REDIS_URL = environment.text("CLOUDPORTAL_REDIS_URL")
# What a process calls that runs jobs itself and so has to reach hosts.
PLUG_IN_HOSTS = "cloudportal.hosts.plug_in"

SECRET_KEY = environment.secret_file(DATA / "secret.key")
SECRETS_KEY = environment.secret_file(DATA / "secrets.key", fernet=True)
DEBUG = False
# Host names are checked where it matters (Origin on sockets, CSRF); the portal is reached by
# whatever name or address its operator gives it.
ALLOWED_HOSTS = ["*"]
# Comma-separated addresses of proxies whose X-Forwarded-* headers are believed; none by default.
TRUSTED_PROXIES = [
    p.strip() for p in environment.text("CLOUDPORTAL_TRUSTED_PROXIES").split(",") if p.strip()
]

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "channels",
    "accounts",
    "jobs",
    "infra",
    "network",
    "storage",
    "compute",
    "consoleproxy",
    "api",
    "frontend",
    "cloudportal",
]
MIDDLEWARE = [
    "api.watching.latency.LatencyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "frontend.middleware.ReaderMiddleware",
]
ROOT_URLCONF = "cloudportal.urls"
WSGI_APPLICATION = "cloudportal.wsgi.application"
ASGI_APPLICATION = "cloudportal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.static",
                "frontend.context.shell",
            ]
        },
    }
]

DATABASES = {
    "default": environment.database("CLOUDPORTAL_DATABASE_URL", DATA / "cloudportal.sqlite3")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
PASSWORD_HASHERS = ["accounts.hashers.Argon2"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "frontend" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
NPM = BASE_DIR / "node_modules"
STATICFILES_DIRS = [("npm", NPM)] if NPM.is_dir() else []
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "frontend.views.signin.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20  # user data may be 1 MiB in base64
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "cloudportal.logs.Line",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # At INFO uvicorn writes the paths of WebSockets, and a console's path is its ticket (R3).
    "loggers": {"uvicorn.error": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": environment.text("CLOUDPORTAL_LOG", "WARNING")},
}
