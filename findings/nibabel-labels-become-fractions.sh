#!/usr/bin/env bash
# nibabel saves whole labels in an integer file and they come back as fractions.
#
# One would guess: a file of type int16 holds the labels 0 to 6. Read them, save
# them with the same header, read again: the same labels, for they fit exactly.
#
# What really happens: get_fdata() gives float64. A float array that is saved
# with an integer header is stretched over the whole range of the type, and the
# factor is written beside it (NIfTI's scl_slope and scl_inter). The values in
# the file go from -32768 to 32767 and label 3 is read as 3.0000458. So
# "labels == 3" finds no voxel. With uint8 the label 1 is read as 0.988, and a
# cast to int makes it 0: background. A single object in int16 is read as
# 0.9999999998, and a cast removes it whole. No warning is given.
#
# Why a user of an instance-segmentation tool cares: NIfTI is the usual format
# for volumes of labels in medicine. Edit one label, save, and the other objects
# are lost or get another's number. Give Nifti1Image an array of integers.
#
# Versions: nibabel 5.4.2, numpy 2.4.6. Needs Python 3.11 or newer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" nibabel==5.4.2 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY'
import warnings
from importlib.metadata import version

import nibabel
import numpy as np

print("nibabel", version("nibabel"), "numpy", version("numpy"))
warnings.simplefilter("error")  # a warning would be a change


def again(count, dtype, as_integers=False):
    """Labels 0..count, 10 voxels each: saved, read, saved as read, read."""
    labels = np.repeat(np.arange(count + 1), 10).reshape(-1, 10, 1)
    first = nibabel.Nifti1Image(labels.astype(dtype), np.eye(4))
    nibabel.save(first, "first.nii")
    first = nibabel.load("first.nii")
    values = first.get_fdata()
    assert (values == labels).all()  # all is well up to here
    if as_integers:
        values = values.astype(dtype)
    nibabel.save(nibabel.Nifti1Image(values, first.affine, first.header),
                 "second.nii")
    second = nibabel.load("second.nii")
    assert second.get_data_dtype() == first.get_data_dtype() == dtype
    stored = second.dataobj.get_unscaled()
    read = second.get_fdata()
    print(f"{np.dtype(dtype)}, labels 0..{count}: in the file {stored.min()} to"
          f" {stored.max()}, read {np.unique(read).round(10).tolist()}")
    return read


read = again(6, np.int16)
print("  voxels equal to 3:", (read == 3).sum(), "of 10")
assert (read == 3).sum() == 0 and (np.rint(read) == 3).sum() == 10

read = again(7, np.uint8)
cast = read.astype(int)
print("  after a cast to int:", np.unique(cast).tolist())
assert np.unique(cast).tolist() == [0, 2, 4, 6, 7]
assert (cast == 0).sum() == 20  # label 1 has gone into the background

cast = again(1, np.int16).astype(int)
print("  after a cast to int:", np.unique(cast).tolist())
assert np.unique(cast).tolist() == [0]

print("and with an array of integers:")
read = again(7, np.uint8, as_integers=True)
assert np.unique(read).tolist() == list(range(8))
print("As stated.")
PY
