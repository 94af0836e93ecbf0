"""Django's tests of sessions, in pyspike's cache. This stands beside them in its sdist."""

import os

from django.test import override_settings
from sessions_tests import tests

CACHES = {
    "default": {
        "BACKEND": "pyspike.contrib.django.AerospikeCache",
        "LOCATION": f"{os.environ['JUDGED_URL']}?set=judged{os.getpid()}-sessions",
    }
}


@override_settings(CACHES=CACHES)
class AerospikeSessionTests(tests.CacheSessionTests):
    pass


@override_settings(CACHES=CACHES)
class AerospikeDBSessionTests(tests.CacheDBSessionTests):
    pass
