"""The other site of the tenancy tests serves the pages' tests too."""

from tests.web.test_tenancy import stranger

__all__ = ["stranger"]
