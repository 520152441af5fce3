"""Reports over the API: as whoever uses it in a pipeline would."""

import pytest

from diagnose.models import Report
from tests.diagnose.web.conftest import as_user, faulty  # noqa: F401


@pytest.fixture
def asking(as_user, operator):  # noqa: F811
    return as_user(operator)


def test_a_report_is_made_listed_read_and_deleted(asking, host, faulty):  # noqa: F811
    finding = faulty("small_backlog")
    made = asking.post("/api/v1/reports", {"host": host.name, "from": "-1h"}, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["causes"] == 1
    address = f"/api/v1/reports/{made.json()['id']}"
    assert [each["id"] for each in asking.get("/api/v1/reports").json()["results"]] == [made.json()["id"]]
    document = asking.get(address).json()
    assert document["scope"] == {"kind": "host", "host_id": host.pk, "host": host.name, "service": ""}
    assert document["causes"][0]["finding"]["id"] == finding.pk
    assert document["causes"][0]["pictures"][0]["curves"][0]["values"]
    assert asking.get(f"{address}?format=markdown").content.decode().startswith("# Diagnosis report")
    assert asking.delete(address).status_code == 204
    assert not Report.objects.exists()
    assert asking.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"), [({"host": "nobody"}, "host"), ({"from": "soon"}, "from"), ({"from": 3}, "from")]
)
def test_what_cannot_be_reported_names_the_field(asking, data_dir, body, field):
    answer = asking.post("/api/v1/reports", body, content_type="application/json")
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
