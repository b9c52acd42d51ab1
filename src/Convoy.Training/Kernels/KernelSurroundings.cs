using System.Globalization;
using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Convoy.Metrics;
using Convoy.Torch.Convolution;
using TorchSharp;

namespace Convoy.Training.Kernels;

/// <summary>What a choice of kernels depends on besides the convolution: with anything else in it, it is measured anew.</summary>
/// <param name="Processor">The processor's name.</param>
/// <param name="InstructionSets">What the processor has, as the system says.</param>
/// <param name="Allowed">What of that this process and libtorch may use: vectors' width, and the variables that switch sets off.</param>
/// <param name="Libtorch">The version of TorchSharp, which brings its libtorch.</param>
/// <param name="Convoy">This library's version and build.</param>
/// <param name="Threads">libtorch's threads in a process.</param>
/// <param name="Processes">Processes that compute on this host at the same time.</param>
public sealed record KernelSurroundings(string Processor, string InstructionSets, string Allowed, string Libtorch, string Convoy, int Threads, int Processes)
{
    private static readonly string[] Switches = ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"];

    /// <summary>How wide the vectors are that Convoy's kernels may use, in bits.</summary>
    public static int VectorBits => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>Those of this process.</summary>
    /// <param name="threads">libtorch's threads in each process.</param>
    /// <param name="processes">Processes on this host.</param>
    public static KernelSurroundings Read(int threads, int processes)
    {
        HostInfo host = HostProbe.Read();
        string allowed = string.Join(' ', Switches.Where(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 }).Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}"));
        return new KernelSurroundings(
            host.CpuModel ?? "unknown",
            string.Join(' ', host.InstructionSets ?? []) + Family(),
            string.Create(CultureInfo.InvariantCulture, $"{VectorBits} bits {allowed}").TrimEnd(),
            typeof(torch).Assembly.GetName().Version?.ToString() ?? "unknown",
            typeof(KernelTable).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion + " " + typeof(KernelTable).Module.ModuleVersionId,
            threads,
            processes);
    }

    /// <summary>A line for each.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"processor: {Processor}\ninstruction sets: {InstructionSets}\nallowed: {Allowed}\ntorchsharp: {Libtorch}\nconvoy: {Convoy}\nthreads: {Threads}\nprocesses: {Processes}\n");

    // Virtual machines give processors of several generations one name.
    private static string Family() => X86Base.IsSupported ? string.Create(CultureInfo.InvariantCulture, $" signature {X86Base.CpuId(1, 0).Eax:x}") : "";
}
