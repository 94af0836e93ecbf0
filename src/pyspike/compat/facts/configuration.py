"""The keys of the official client's configuration dictionary."""

from __future__ import annotations

from pyspike.compat.facts.policies import GLOBAL, KINDS

__all__ = ["CONFIG", "LUA", "POLICIES", "SHM", "TLS"]

CONFIG = frozenset(
    """
    hosts user password policies tls shm lua serialization config_provider connect_timeout tend_interval
    min_conns_per_node max_conns_per_node max_socket_idle max_error_rate error_rate_window thread_pool_size
    max_threads use_shared_connection send_bool_as compression_threshold cluster_name strict_types rack_aware
    rack_id rack_ids use_services_alternate fail_if_not_connected validate_keys app_id force_single_node
    """.split()
)
POLICIES = frozenset(KINDS) - {"batch_read"} | GLOBAL | {"auth_mode", "login_timeout_ms", "metrics"}
TLS = frozenset(
    """
    enable cafile capath protocols cipher_suite keyfile keyfile_pw certfile cert_blacklist crl_check
    crl_check_all log_session_info for_login_only
    """.split()
)
SHM = frozenset(
    """
    enable max_nodes max_namespaces takeover_threshold_sec shm_key shm_max_nodes shm_max_namespaces
    shm_takeover_threshold_sec
    """.split()
)
LUA = frozenset(("system_path", "user_path"))
