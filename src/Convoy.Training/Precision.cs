using System.Text.Json.Serialization;

namespace Convoy.Training;

/// <summary>The type in which convolutions and matrix products are computed; weights, gradients and optimizer state are float32 in all.</summary>
public enum Precision
{
    /// <summary>float32.</summary>
    [JsonStringEnumMemberName("fp32")]
    Fp32,

    /// <summary>bfloat16 under autocast.</summary>
    [JsonStringEnumMemberName("bf16")]
    Bf16,

    /// <summary>float16 under autocast, with a gradient scaler.</summary>
    [JsonStringEnumMemberName("fp16")]
    Fp16,
}

/// <summary>Precisions as the command line and files write them: <c>fp32</c>, <c>bf16</c>, <c>fp16</c>.</summary>
public static class PrecisionNames
{
    /// <summary>The name of <paramref name="precision"/>.</summary>
    public static string Name(this Precision precision) => precision switch
    {
        Precision.Fp32 => "fp32",
        Precision.Bf16 => "bf16",
        Precision.Fp16 => "fp16",
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "not a precision"),
    };

    /// <summary>What whoever trains in it on a processor may not expect; null for nothing. Measurements and their machines stand in docs/guide/mixed-precision.md.</summary>
    public static string? Warning(this Precision precision) => precision == Precision.Fp16
        ? "fp16 is slow for training on processors, also on those with AVX512_FP16 (libtorch's backward convolutions: a step of two 320x144 images took 47 s against bf16's 1.1 s on an AMD Zen 5, another one 3.7 s against 0.12 s on an Intel Xeon). Use --precision bf16, or fp32 where the processor has neither AVX512_BF16 nor AMX."
        : null;

    /// <summary>The precision of that name.</summary>
    /// <exception cref="BadInputException">There is none.</exception>
    public static Precision Parse(string name) => name switch
    {
        "fp32" => Precision.Fp32,
        "bf16" => Precision.Bf16,
        "fp16" => Precision.Fp16,
        _ => throw new BadInputException("unknown precision", name, "Give --precision fp32, bf16 or fp16."),
    };
}
