using Convoy.Lanes.Training;

namespace Convoy.Cli.Training;

/// <summary>Tells, before anything is trained, what is known of a precision that its user may not expect. Training is on processors only.</summary>
internal static class PrecisionWarning
{
    /// <summary>Warns when one of <paramref name="precisions"/> is fp16; measurements and their machines stand in docs/mixed-precision.md.</summary>
    public static void Tell(params IEnumerable<Precision> precisions)
    {
        if (precisions.Contains(Precision.Fp16))
        {
            ConsoleOutput.Warning("fp16 is slow for training on processors, also on those with AVX512_FP16 (libtorch's backward convolutions: a step of two 320x144 images took 47 s against bf16's 1.1 s on an AMD Zen 5, another one 3.7 s against 0.12 s on an Intel Xeon). Use --precision bf16, or fp32 where the processor has neither AVX512_BF16 nor AMX.");
        }
    }
}
