using Convoy.Metrics;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Doctor;

/// <summary>What <c>convoy doctor</c> found: the document that <c>--json</c> prints.</summary>
/// <param name="Host">The machine and the versions.</param>
/// <param name="SharedMemory">The file system that ranks exchange gradients through; null where the system has none.</param>
/// <param name="Gpus">The NVIDIA GPUs that the driver lists.</param>
/// <param name="CudaAvailable">Whether libtorch can use a GPU.</param>
/// <param name="HasLibtorch">Whether libtorch is part of this program; it is not of the tool package.</param>
/// <param name="TorchError">Why TorchSharp does not load; null when it does, and in a program without libtorch.</param>
/// <param name="Backends">The ways in which ranks could exchange gradients.</param>
/// <param name="MatrixMultiply">Measured peaks; empty when TorchSharp does not load or is not there.</param>
/// <param name="MemoryBandwidth">Measured bandwidth.</param>
/// <param name="Vectors">How wide the processor computes.</param>
/// <param name="Caches">The first core's caches for data, from the nearest; empty where the system does not tell.</param>
/// <param name="Kernels">Where choices of kernels are kept.</param>
/// <param name="State">Whether a core kept its speed; null when TorchSharp does not load or is not there.</param>
/// <param name="Warnings">What is wrong and what to do about it, one line each.</param>
internal sealed record DoctorReport(
    HostInfo Host,
    SharedMemorySpace? SharedMemory,
    IReadOnlyList<Gpu> Gpus,
    bool CudaAvailable,
    bool HasLibtorch,
    string? TorchError,
    IReadOnlyList<BackendStatus> Backends,
    IReadOnlyList<MatrixMultiplyPeak> MatrixMultiply,
    MemoryBandwidth MemoryBandwidth,
    VectorUnits Vectors,
    IReadOnlyList<ProcessorCache> Caches,
    ChosenKernels Kernels,
    MachineState? State,
    IReadOnlyList<string> Warnings);

/// <summary>The file system for shared memory.</summary>
/// <param name="Path">Where it is mounted.</param>
/// <param name="TotalBytes">Its size.</param>
/// <param name="FreeBytes">What is free of it.</param>
internal sealed record SharedMemorySpace(string Path, long TotalBytes, long FreeBytes);

/// <summary>One GPU as its driver describes it.</summary>
/// <param name="Name">The product's name.</param>
/// <param name="Memory">Its memory, with the unit, as the driver writes it.</param>
/// <param name="Driver">The driver's version.</param>
internal sealed record Gpu(string Name, string Memory, string Driver);

/// <summary>Whether a backend can be used here.</summary>
/// <param name="Name">The name that <c>--backend</c> takes.</param>
/// <param name="Available">Whether training can use it.</param>
/// <param name="Detail">How it was found, or why it can't be used.</param>
internal sealed record BackendStatus(string Name, bool Available, string Detail);

/// <summary>The fastest of a few triads (a = b + s * c) over memory that no cache holds.</summary>
/// <param name="Threads">Threads that worked on it.</param>
/// <param name="BufferBytes">Bytes of the three arrays together.</param>
/// <param name="GigabytesPerSecond">Bytes read and written, as the STREAM benchmark counts them, over seconds; 1 GB is 10^9 bytes.</param>
internal sealed record MemoryBandwidth(int Threads, long BufferBytes, double GigabytesPerSecond);

/// <summary>The processor's vector units.</summary>
/// <param name="Bits">The widest vectors that the processor has.</param>
/// <param name="UsableBits">The widest that Convoy's kernels may use: what .NET takes on this processor, less what is switched off (DOTNET_EnableAVX512=0 and the like).</param>
/// <param name="MultiplyAdds">What one core's fused multiply-adds reach in each usable width.</param>
internal sealed record VectorUnits(int Bits, int UsableBits, IReadOnlyList<MultiplyAddPeak> MultiplyAdds);

/// <summary>Choices of kernels by <c>--fuse auto</c>.</summary>
/// <param name="Folder">Where they are kept; null where there is no home folder.</param>
/// <param name="Surroundings">For how many combinations of processor, libraries, threads and processes there are choices.</param>
internal sealed record ChosenKernels(string? Folder, int Surroundings);
