"""Prints, as JSON, what the tools' own libraries read from the folder of a data set: class and area of each object."""

import base64
import json
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree


def coco(folder):
    from pycocotools.coco import COCO

    data = COCO(str(folder / "annotations.json"))
    for image in data.loadImgs(sorted(data.getImgIds())):
        objects = []
        for annotation in data.loadAnns(data.getAnnIds(imgIds=image["id"])):
            mask = data.annToMask(annotation)
            assert mask.shape == (image["height"], image["width"])
            objects.append([data.cats[annotation["category_id"]]["name"], int(mask.sum())])
        yield image["file_name"], objects


def geojson(folder):
    from shapely.geometry import shape

    for path in sorted(folder.glob("*.geojson")):
        objects = []
        for feature in json.loads(path.read_text())["features"]:
            geometry = shape(feature["geometry"])
            assert geometry.is_valid, path
            parts = geometry.geoms if geometry.geom_type == "MultiPolygon" else [geometry]
            for part in parts:
                # RFC 7946, section 3.1.6.
                assert part.exterior.is_ccw and not any(hole.is_ccw for hole in part.interiors), path
            objects.append([feature["properties"]["classification"]["name"], int(geometry.area)])
        yield path.stem + ".png", objects


def cvat(folder):
    import numpy as np
    from shapely.geometry import Polygon

    for image in ElementTree.parse(folder / "annotations.xml").getroot().iter("image"):
        objects = []
        for mask in image:
            if mask.tag == "polygon":
                points = [[float(each) for each in point.split(",")] for point in mask.get("points").split(";")]
                objects.append([mask.get("label"), round(Polygon(points).area)])
                continue
            runs = [int(run) for run in mask.get("rle").split(", ")]
            # Runs alternate from 0, row by row, and fill the box.
            values = np.repeat(np.arange(len(runs)) % 2, runs)
            assert len(values) == int(mask.get("width")) * int(mask.get("height"))
            box = values.reshape(int(mask.get("height")), int(mask.get("width")))
            assert box[0].any() and box[-1].any() and box[:, 0].any() and box[:, -1].any()
            objects.append([mask.get("label"), int(values.sum())])
        yield image.get("name"), objects


def supervisely(folder):
    import cv2
    import numpy as np

    for path in sorted(folder.glob("dataset/ann/*.json")):
        objects = []
        for each in json.loads(path.read_text())["objects"]:
            data = zlib.decompress(base64.b64decode(each["bitmap"]["data"]))
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            objects.append([each["classTitle"], int(decoded[:, :, 3].astype(bool).sum())])
        yield path.stem, objects


def labelme(folder):
    import io

    import numpy as np
    from PIL import Image
    from shapely.geometry import Polygon

    for path in sorted(folder.glob("*.json")):
        objects = {}
        for i, each in enumerate(json.loads(path.read_text())["shapes"]):
            key = ("group", each["group_id"]) if each["group_id"] is not None else ("shape", i)
            if each["shape_type"] == "mask":
                crop = np.array(Image.open(io.BytesIO(base64.b64decode(each["mask"]))))
                (x0, y0), (x1, y1) = each["points"]
                assert crop.shape == (y1 - y0 + 1, x1 - x0 + 1) and set(np.unique(crop)) <= {0, 1}
                area = int(crop.sum())
            else:
                area = int(Polygon(each["points"]).area)
            _, before = objects.get(key, [None, 0])
            objects[key] = [each["label"], before + area]
        yield path.stem + ".png", list(objects.values())


def labels(paths, read):
    import numpy as np

    for path in sorted(paths):
        values, areas = np.unique(read(path), return_counts=True)
        yield path.stem + ".png", [["", int(area)] for value, area in zip(values, areas) if value != 0]


def masks(folder):
    import numpy as np
    from PIL import Image

    return labels(folder.glob("masks/*.png"), lambda path: np.array(Image.open(path)))


def masks_tiff(folder):
    import tifffile

    return labels(folder.glob("masks/*.tif"), tifffile.imread)


def yolo(folder):
    """Checks what Ultralytics needs: its rows are polygons of at least three points within the image."""
    import yaml

    config = yaml.safe_load((folder / "data.yaml").read_text())
    assert {"train", "val", "nc", "names"} <= set(config) and len(config["names"]) == config["nc"]
    for path in sorted(folder.glob("labels/*.txt")):
        objects = []
        for line in path.read_text().splitlines():
            index, *numbers = line.split()
            numbers = [float(number) for number in numbers]
            assert len(numbers) >= 6 and len(numbers) % 2 == 0
            assert all(0 <= number <= 1 for number in numbers)
            objects.append([config["names"][int(index)], len(numbers) // 2])
        yield path.stem + ".png", objects


if __name__ == "__main__":
    _, kind, where = sys.argv
    sys.stdout = sys.stderr  # pycocotools prints
    found = dict(globals()[kind.replace("-", "_")](Path(where)))
    print(json.dumps(found), file=sys.__stdout__)
