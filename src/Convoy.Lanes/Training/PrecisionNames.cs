namespace Convoy.Lanes.Training;

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
