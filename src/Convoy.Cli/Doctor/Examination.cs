using System.Reflection;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Measurement;
using TorchSharp;

namespace Convoy.Cli.Doctor;

/// <summary>Looks at everything that training needs from this machine.</summary>
internal static class Examination
{
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(1.5);

    /// <summary>Examines this machine; takes about four seconds. That TorchSharp does not load is part of the report, not an error.</summary>
    public static async Task<DoctorReport> RunAsync(CancellationToken cancellation)
    {
        HostInfo host = HostProbe.Read();
        SharedMemorySpace? sharedMemory = BackendCheck.FindSharedMemory();
        IReadOnlyList<Gpu> gpus = await GpuCheck.ListAsync(cancellation);
        MemoryBandwidth bandwidth = MemoryBandwidthMeter.Measure(host.UsableCores, host.LastLevelCacheBytes, host.MemoryAvailableBytes);
        cancellation.ThrowIfCancellationRequested();

        string? torchError = Libtorch.IsPartOfProgram ? TryLoadTorch() : null;
        bool torchLoads = Libtorch.IsPartOfProgram && torchError is null;
        bool cuda = torchLoads && GpuCheck.IsCudaAvailable();
        IReadOnlyList<MatrixMultiplyPeak> peaks = torchLoads ? MatrixMultiplyMeter.Measure(host.UsableCores) : [];
        MachineState? state = torchLoads ? MachineState.Watch(Watched, TimeProvider.System) : null;
        VectorUnits vectors = VectorCheck.FindVectors(host);
        IReadOnlyList<BackendStatus> backends = BackendCheck.Run(cuda);
        cancellation.ThrowIfCancellationRequested();
        host = host with { Versions = WithOwnVersions(host.Versions, torchLoads) };

        return new DoctorReport(
            host, sharedMemory, gpus, cuda, Libtorch.IsPartOfProgram, torchError, backends, peaks, bandwidth, vectors, ProcessorCache.Read(), VectorCheck.FindKernels(), state,
            Diagnosis.Warnings(host, sharedMemory, gpus, cuda, torchError, backends, peaks, vectors, state, TemporaryFolder.Problem() is { } problem ? $"{TemporaryFolder.Describe()}: {problem}" : null));
    }

    private static string? TryLoadTorch()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            torch.ones(1).Dispose();
            return null;
        }
        catch (Exception error)
        {
            // Whatever keeps the native library from loading is the finding; its type varies with the cause.
            Exception cause = error is TypeInitializationException { InnerException: { } inner } ? inner : error;
            return cause.Message.Split('\n', 2)[0].Trim();
        }
    }

    private static SortedDictionary<string, string> WithOwnVersions(IReadOnlyDictionary<string, string> versions, bool torchLoads)
    {
        var all = new SortedDictionary<string, string>(versions.ToDictionary(), StringComparer.Ordinal)
        {
            ["convoy"] = VersionOf(typeof(Examination).Assembly),
            ["torchsharp"] = VersionOf(typeof(torch).Assembly),
        };
        if (torchLoads)
        {
            all["libtorch"] = Version.Parse(torch.__version__).ToString(fieldCount: 3);
        }

        return all;
    }

    // "0.107.0+commit" -> "0.107.0"
    private static string VersionOf(Assembly assembly) =>
        (assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version?.ToString() ?? "unknown").Split('+', 2)[0];
}
