using System.CommandLine;
using Convoy.Training;
using TorchSharp;

namespace Convoy.Cli.Evaluation;

/// <summary>The option <c>--precision</c> of the verbs that run a trained network.</summary>
internal static class DetectorPrecision
{
    /// <summary>The option.</summary>
    public static Option<string> Option() => new("--precision")
    {
        Description = "Type of weights and features: fp32, or bf16, which is faster on processors with AVX512_BF16 or AMX.",
        DefaultValueFactory = _ => "fp32",
    };

    /// <summary>The type that a value of the option means.</summary>
    /// <exception cref="BadInputException">There is none of that name.</exception>
    public static torch.ScalarType Named(string name) => name switch
    {
        "fp32" => torch.ScalarType.Float32,
        "bf16" => torch.ScalarType.BFloat16,
        _ => throw new BadInputException("unknown precision", name, "Give --precision fp32 or bf16."),
    };
}
