"""Lists of the simulated v3, page by page, and its refusals."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from wattledger.simulators.calls import Call
from wattledger.simulators.smartcar_errors import STATUS, v3_error
from wattledger.simulators.smartcar_reads import Answer
from wattledger.simulators.smartcar_vendor import Vendor

MOST = 100
NUMBER, SIZE = "page[number]", "page[size]"


def paged(vendor: Vendor, call: Call, items: list[dict[str, Any]], size: int) -> Answer:
    """The page that was asked for, of `size` where none was named."""
    size = min(int(call.query.get(SIZE, size)), MOST)
    number = int(call.query.get(NUMBER, 1))
    last = max(1, -(-len(items) // size))

    def link(page: int) -> str | None:
        if not 1 <= page <= last:
            return None
        query = {**call.query, NUMBER: page, SIZE: size}
        return f"{vendor.url}{call.path}?{urlencode(query)}"

    return Answer(
        200,
        {
            "data": items[(number - 1) * size : number * size],
            "meta": {
                "pageNumber": number,
                "pageSize": size,
                "totalCount": len(items),
                "orderBy": "createdAt",
                "orderDirection": "DESC",
            },
            "links": {
                "self": link(number),
                "first": link(1),
                "last": link(last),
                "next": link(number + 1),
                "prev": link(number - 1),
            },
        },
        {},
    )


def refused(type: str, code: str | None, **more: Any) -> Answer:
    """An error of the vendor; `more` goes over its fields."""
    status = int(more.get("status", STATUS[type]))
    return Answer(status, v3_error(type, code, **more), {})
