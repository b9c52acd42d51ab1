using System.Globalization;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Doctor;

/// <summary>Turns what was found into warnings: what is wrong (value), and what to do about it.</summary>
internal static class Diagnosis
{
    private const long SharedMemoryNeeded = 512L << 20; // a 12-million-parameter model's gradients are 48 MB a rank
    private const long MemoryNeeded = 3L << 30; // two fp32 processes at 800x360

    /// <summary>The warnings for one machine; none when all is well.</summary>
    public static IReadOnlyList<string> Warnings(
        HostInfo host, SharedMemorySpace? sharedMemory, IReadOnlyList<Gpu> gpus, bool cudaAvailable, string? torchError,
        IReadOnlyList<BackendStatus> backends, IReadOnlyList<MatrixMultiplyPeak> peaks, VectorUnits vectors, MachineState? state, string? temporaryFolderProblem = null)
    {
        var warnings = new List<string>();
        if (torchError is not null)
        {
            warnings.Add($"TorchSharp does not load ({torchError}). See docs/troubleshooting/torchsharp-does-not-load.md.");
        }

        if (backends.FirstOrDefault(b => b.Name == "shm") is { Available: false } shm)
        {
            warnings.Add($"training on several processes is not possible ({shm.Detail}). Use --nproc 1, or see docs/troubleshooting/shared-memory-too-small.md.");
        }
        else if (sharedMemory is not null && sharedMemory.FreeBytes < SharedMemoryNeeded)
        {
            warnings.Add($"little shared memory is free ({sharedMemory.Path}: {Size(sharedMemory.FreeBytes)} of {Size(sharedMemory.TotalBytes)}). Give a container --shm-size=1g; see docs/troubleshooting/shared-memory-too-small.md.");
        }

        if (temporaryFolderProblem is not null)
        {
            warnings.Add($"temporary files cannot be written where the system wants them ({temporaryFolderProblem}). Convoy takes /tmp or /dev/shm instead; set {TemporaryFolder.Variable} to a folder that exists, that you may write and that has room.");
        }

        if (host.MemoryAvailableBytes < MemoryNeeded)
        {
            warnings.Add($"little memory is free ({Size(host.MemoryAvailableBytes)}). An fp32 process at 800x360 needs about 1.4 GiB: end other programs, or lower --nproc or --batch-size.");
        }

        if (host.UsableCores < host.LogicalCores)
        {
            warnings.Add($"not all cores can be used ({host.UsableCores} of {host.LogicalCores}). CPU affinity or the container's limit holds them back; raise it (taskset, --cpus) if you want them.");
        }

        if (host.Architecture == "x64" && !host.InstructionSets.Contains("avx2"))
        {
            warnings.Add("the processor has no AVX2 (or the virtual machine hides it). Training will be several times slower; choose a CPU model that passes it through.");
        }

        if (Fastest(peaks, "bf16") is { } bf16 && Fastest(peaks, "fp32") is { } fp32 && bf16 < fp32)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"bf16 is slower than fp32 on this processor ({bf16:0.0} against {fp32:0.0} GFLOP/s). Train with --precision fp32; bf16 pays with AVX512_BF16 or AMX."));
        }

        if (vectors.UsableBits < vectors.Bits)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"wide vectors are not used ({vectors.UsableBits} of {vectors.Bits} bits). Unset DOTNET_EnableAVX512, DOTNET_EnableAVX2 and the like, unless you mean it."));
        }

        if (state is { IsOneState: false })
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"this machine changes its speed from moment to moment (a small matrix product ran at {state.SlowGigaflopsPerSecond:0} to {state.FastGigaflopsPerSecond:0} GFLOP/s), probably for a neighbour on the same core. Compare times by turns only, as 'convoy bench step' takes them."));
        }

        if (gpus.Count > 0 && !cudaAvailable)
        {
            warnings.Add($"a GPU is present but is not used ({gpus[0].Name}). This version trains on the CPU's cores; nothing is to be done.");
        }

        return warnings;
    }

    /// <summary>A size with its unit, such as <c>23.5 GiB</c>.</summary>
    public static string Size(long bytes) => bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0} MiB");

    private static double? Fastest(IReadOnlyList<MatrixMultiplyPeak> peaks, string precision) =>
        peaks.Where(p => p.Precision == precision).Select(p => (double?)p.GigaflopsPerSecond).Max();
}
