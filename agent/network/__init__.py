"""Bridges, routers in network namespaces, and traffic limits, through ip, nft and tc."""
