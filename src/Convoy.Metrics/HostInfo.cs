namespace Convoy.Metrics;

/// <summary>The machine and the software that measurements were made on. Read it with <see cref="HostProbe.Read()"/>.</summary>
public sealed record HostInfo
{
    /// <summary>The operating system with its version, such as <c>Debian GNU/Linux 12 (bookworm), Linux 6.1.0</c>.</summary>
    public required string OperatingSystem { get; init; }

    /// <summary>The process's architecture, as .NET names it in lower case: <c>x64</c>, <c>arm64</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>The processor's own name; null where the system does not tell.</summary>
    public string? CpuModel { get; init; }

    /// <summary>Cores in the machine, without hyper-threads; null where the system does not tell.</summary>
    public int? PhysicalCores { get; init; }

    /// <summary>Cores in the machine as the system counts them, hyper-threads included; at least 1.</summary>
    public required int LogicalCores { get; init; }

    /// <summary>Cores that this process may use: what affinity and the container's limit leave; at least 1.</summary>
    public required int UsableCores { get; init; }

    /// <summary>Cores' worth of time that the control group (container) grants, such as 1.5; null without a limit.</summary>
    public double? CpuLimit { get; init; }

    /// <summary>
    /// What the processor can do of what matters to training, under Linux's names, sorted: <c>avx2</c>, <c>fma</c>,
    /// <c>avx512f</c>, <c>avx512_bf16</c>, <c>amx_bf16</c>, <c>amx_int8</c>, <c>amx_tile</c>, <c>asimd</c>, <c>bf16</c>, <c>sve</c>.
    /// </summary>
    public required IReadOnlyList<string> InstructionSets { get; init; }

    /// <summary>The processor's largest cache in bytes; null where the system does not tell.</summary>
    public long? LastLevelCacheBytes { get; init; }

    /// <summary>Memory in bytes that this process may use: the machine's, or the control group's limit where that is less.</summary>
    public required long MemoryTotalBytes { get; init; }

    /// <summary>Memory in bytes that was free, or could be freed at once, when this was read.</summary>
    public required long MemoryAvailableBytes { get; init; }

    /// <summary>
    /// Versions of the software by name. <see cref="HostProbe"/> fills in <c>dotnet</c>; a program adds its own
    /// (<c>convoy</c>, <c>torchsharp</c>, <c>libtorch</c>).
    /// </summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>
    /// Why cache misses are not counted here, see <see cref="PerformanceCounters"/>; null where they are, or where nobody tried.
    /// </summary>
    public string? CounterRefusal { get; init; }

    /// <summary>How fast one process multiplied matrices here with nothing else running: the ceiling of what training can reach. Null when not measured.</summary>
    public IReadOnlyList<MatrixPeak>? MatrixPeaks { get; init; }
}

/// <summary>How fast one process multiplied matrices.</summary>
/// <param name="Precision">The arithmetic, under the name that runs have for it: <c>fp32</c>, <c>bf16</c>.</param>
/// <param name="Threads">Threads that computed.</param>
/// <param name="GigaflopsPerSecond">10^9 floating-point operations a second of all of them; a multiplication and an addition are two.</param>
public sealed record MatrixPeak(string Precision, int Threads, double GigaflopsPerSecond);
