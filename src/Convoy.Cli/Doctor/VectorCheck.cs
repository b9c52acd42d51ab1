using Convoy.Metrics;
using Convoy.Training.Kernels;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Doctor;

/// <summary>Finds out how wide the processor computes, and what was chosen for it so far.</summary>
internal static class VectorCheck
{
    /// <summary>Looks at the vector units; about 0.2 s.</summary>
    /// <param name="host">The machine.</param>
    public static VectorUnits FindVectors(HostInfo host)
    {
        int usable = KernelSurroundings.VectorBits;
        int has = host.InstructionSets.Contains("avx512f") ? 512 : host.InstructionSets.Contains("avx2") ? 256 : 128;
        return new VectorUnits(Math.Max(has, usable), usable, MultiplyAddMeter.Measure());
    }

    /// <summary>Where choices of kernels are kept.</summary>
    public static ChosenKernels FindKernels()
    {
        string? folder = KernelCache.UserFolder;
        return new ChosenKernels(folder, folder is null ? 0 : KernelCache.CountSurroundings(folder));
    }
}
