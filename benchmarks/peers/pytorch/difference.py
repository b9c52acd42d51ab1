"""How far two safetensors files of the same names are apart: python3 difference.py A B prints the tensors that differ most,
as ||a - b|| / ||a|| and as the largest difference of one value."""

import sys

import safetensors_file


def main(first, second):
    left, right = safetensors_file.read(first), safetensors_file.read(second)
    if left.keys() != right.keys():
        sys.exit(f"the files hold different tensors ({sorted(left.keys() ^ right.keys())[0]} is in one of them). Give two files of one network.")
    rows = []
    for name, value in left.items():
        value, difference = value.double(), (value.double() - right[name].double())
        norm = value.norm().item()
        rows.append((difference.norm().item() / norm if norm else difference.norm().item(), difference.abs().max().item() if value.numel() else 0.0, name))
    rows.sort(reverse=True)
    print("| tensor | relative L2 | largest |")
    print("|---|---|---|")
    for relative, largest, name in rows[:10]:
        print(f"| {name} | {relative:.1e} | {largest:.1e} |")
    print(f"| median of {len(rows)} | {rows[len(rows) // 2][0]:.1e} | |")


if __name__ == "__main__":
    main(*sys.argv[1:3])
