using System.Globalization;
using System.Text.Json;
using Convoy.Training;
using static TorchSharp.torch;

namespace Convoy.Cli.Benchmarks;

/// <summary>What <c>convoy bench allreduce</c> measures.</summary>
internal sealed record AllReduceSettings
{
    /// <summary>The element types by their names on the command line.</summary>
    public static IReadOnlyDictionary<string, ScalarType> Types { get; } = new Dictionary<string, ScalarType>(StringComparer.OrdinalIgnoreCase)
    {
        ["fp32"] = ScalarType.Float32,
        ["fp64"] = ScalarType.Float64,
        ["fp16"] = ScalarType.Float16,
        ["bf16"] = ScalarType.BFloat16,
        ["int32"] = ScalarType.Int32,
        ["int64"] = ScalarType.Int64,
    };

    /// <summary>The sizes to measure, in bytes a process.</summary>
    public required IReadOnlyList<long> Bytes { get; init; }

    /// <summary>The element type, one of <see cref="Types"/>.</summary>
    public required string Dtype { get; init; }

    /// <summary>Calls to measure for each size; 0: as many as fit into <see cref="Seconds"/>.</summary>
    public required int Iterations { get; init; }

    /// <summary>How long to measure each size, without the warm-up.</summary>
    public required double Seconds { get; init; }

    /// <summary>What <see cref="ToJson"/> wrote.</summary>
    public static AllReduceSettings FromJson(string json) =>
        JsonSerializer.Deserialize<AllReduceSettings>(json) ?? throw new BadInputException("no settings", json, "Start 'convoy bench allreduce', which starts its processes itself.");

    /// <summary>The settings for a worker's command line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Bytes of an element.</summary>
    public int ElementBytes() => Types[Dtype] switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        _ => 2,
    };

    /// <summary>Refuses what cannot be measured.</summary>
    /// <exception cref="BadInputException">A value is out of its range.</exception>
    public void Check()
    {
        if (!Types.ContainsKey(Dtype))
        {
            throw new BadInputException("unknown element type", Dtype, $"Give --dtype {string.Join(", ", Types.Keys)}.");
        }

        foreach (long bytes in Bytes.Where(b => b % ElementBytes() != 0))
        {
            throw new BadInputException($"not a whole number of {Dtype} elements", MessageSize.Describe(bytes), $"Give multiples of {ElementBytes()} bytes.");
        }

        CommandLineChecks.InRange("--iterations", Iterations, 0, int.MaxValue);
        CommandLineChecks.AboveZero("--seconds", Seconds, 3600);
    }
}
