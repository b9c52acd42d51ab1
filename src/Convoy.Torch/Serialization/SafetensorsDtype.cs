using static TorchSharp.torch;

namespace Convoy.Torch.Serialization;

/// <summary>The safetensors names of dtypes.</summary>
public static class SafetensorsDtype
{
    private static readonly (string Name, ScalarType Type)[] Names =
    [
        ("F32", ScalarType.Float32), ("F64", ScalarType.Float64), ("F16", ScalarType.Float16), ("BF16", ScalarType.BFloat16),
        ("I64", ScalarType.Int64), ("I32", ScalarType.Int32), ("I16", ScalarType.Int16), ("I8", ScalarType.Int8),
        ("U8", ScalarType.Byte), ("BOOL", ScalarType.Bool),
    ];

    // Of the format's description; TorchSharp has no such tensors.
    private static readonly string[] Missing =
        ["U16", "U32", "U64", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F6_E2M3", "F6_E3M2", "F4", "C64"];

    /// <summary>The floating-point types that are read, for a message.</summary>
    public const string FloatNames = "F32, F16, BF16 or F64";

    /// <summary>Whether <paramref name="name"/> is a type of the format that cannot be read here.</summary>
    /// <param name="name">The name.</param>
    public static bool IsKnownButMissing(string? name) => Missing.Contains(name);

    /// <summary>The format's name of <paramref name="type"/>.</summary>
    /// <param name="type">The dtype.</param>
    /// <exception cref="NotSupportedException">The format has none.</exception>
    public static string Name(ScalarType type)
    {
        int at = Array.FindIndex(Names, entry => entry.Type == type);
        return at >= 0 ? Names[at].Name : throw new NotSupportedException($"safetensors has no name for the dtype {type}");
    }

    /// <summary>The dtype that the format calls <paramref name="name"/>.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="FormatException">There is no such dtype.</exception>
    public static ScalarType Parse(string? name)
    {
        int at = Array.FindIndex(Names, entry => entry.Name == name);
        return at >= 0 ? Names[at].Type : throw new FormatException($"unknown dtype {name}");
    }
}
