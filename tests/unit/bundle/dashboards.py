"""The dashboards of the bundle: their queries, and what their widgets show of them."""

from __future__ import annotations

import json
import re

from tests.unit.bundle.reading import Bundle


def datasets(bundle: Bundle) -> dict[str, str]:
    """Name → SQL of every dataset of every dashboard."""
    return {
        dataset["name"]: "".join(dataset["queryLines"])
        for one in bundle.resources("prod", "dashboards")
        for dataset in json.loads((one.file.parent / one.content["file_path"]).read_text())["datasets"]
    }


def fields(bundle: Bundle) -> list[tuple[str, str, list[str]]]:
    """Widget, its dataset, and the columns that it shows of it."""
    found = []
    for one in bundle.resources("prod", "dashboards"):
        content = json.loads((one.file.parent / one.content["file_path"]).read_text())
        for page in content["pages"]:
            for place in page["layout"]:
                for query in place["widget"].get("queries", ()):
                    fields = [field["expression"].strip("`") for field in query["query"]["fields"]]
                    found.append((f"{page['name']}.{place['widget']['name']}", query["query"]["datasetName"], fields))
    return found


def dashboards(bundle: Bundle) -> list[str]:
    """Names are there once, what a widget encodes it queries, its dataset exists, and none lies on another."""
    wrong = []
    for one in bundle.resources("prod", "dashboards"):
        path = one.file.parent / one.content["file_path"]
        content = json.loads(path.read_text())
        datasets = [dataset["name"] for dataset in content["datasets"]]
        wrong += [f"{path.name}: dataset {name} is there twice" for name in set(datasets) if datasets.count(name) > 1]
        used = set()
        for page in content["pages"]:
            taken: dict[tuple[int, int], str] = {}
            for place in page["layout"]:
                widget, at = place["widget"], place["position"]
                for x in range(at["x"], at["x"] + at["width"]):
                    for y in range(at["y"], at["y"] + at["height"]):
                        if (x, y) in taken or x >= 6:
                            wrong.append(f"{path.name}: widget {widget['name']} has no room at {x}, {y}")
                        taken[x, y] = widget["name"]
                queried = {field["name"] for query in widget["queries"] for field in query["query"]["fields"]}
                used |= {query["query"]["datasetName"] for query in widget["queries"]}
                encoded = set(re.findall(r'"fieldName": "([^"]+)"', json.dumps(widget["spec"]["encodings"])))
                for name in encoded - queried:
                    wrong.append(f"{path.name}: widget {widget['name']} shows {name}, which it does not query")
        wrong += [f"{path.name}: dataset {name} is not there" for name in used - set(datasets)]
        wrong += [f"{path.name}: dataset {name} is shown nowhere" for name in set(datasets) - used]
    return sorted(set(wrong))
