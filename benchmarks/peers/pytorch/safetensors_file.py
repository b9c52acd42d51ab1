"""Reads and writes safetensors files without the package of that name: 8 bytes with the header's length, a JSON header
with each tensor's dtype, shape and place, then the values."""

import json
import math
import struct

import torch

_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def read(path):
    """Every tensor of the file, by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        values = bytearray(file.read())
    header.pop("__metadata__", None)
    return {name: _tensor(values, entry) for name, entry in header.items()}


def write(path, tensors):
    """Writes tensors by name, in order of name."""
    header, parts, offset = {}, [], 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        parts.append(bytes(tensor.flatten().view(torch.uint8).numpy()) if size else b"")
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for part in parts:
            file.write(part)


def _tensor(values, entry):
    start, end = entry["data_offsets"]
    dtype = _DTYPES[entry["dtype"]]
    if start == end:
        return torch.empty(entry["shape"], dtype=dtype)
    count = math.prod(entry["shape"])
    # A copy: views of one buffer would all keep the whole file in memory.
    return torch.frombuffer(values, dtype=dtype, count=count, offset=start).reshape(entry["shape"]).clone()
