"""What tests and the processes of their scenarios share."""

import os

if "PYSPIKE_TEST_TLS" in os.environ:
    import support.tls  # noqa: F401 - switches TLS on
