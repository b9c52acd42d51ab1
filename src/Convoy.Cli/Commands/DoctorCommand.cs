using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Doctor;
using Convoy.Metrics;
using Convoy.Training.Kernels;
using Convoy.Training.Measurement;
using Convoy.Training.Programs;
using Spectre.Console;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy doctor</c>: what this machine has for training, how fast it is, and what is wrong with it.</summary>
internal static class DoctorCommand
{
    private const int NameWidth = 22;

    public static Command Create()
    {
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command("doctor", "Examines this machine: cores, memory, instruction sets, GPUs, backends, versions and measured peaks.") { json };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(bool json, CancellationToken cancellation)
    {
        DoctorReport report = await Examination.RunAsync(cancellation);
        if (json)
        {
            ConsoleOutput.Json(report);
        }
        else
        {
            Print(report, ConsoleOutput.People());
        }

        return report.TorchError is null ? ExitCodes.Done : ExitCodes.Failed;
    }

    /// <summary>Prints the report for people.</summary>
    internal static void Print(DoctorReport report, IAnsiConsole console)
    {
        foreach ((string name, string value) in Rows(report))
        {
            console.WriteLine(name.PadRight(NameWidth) + value);
        }

        if (report.Warnings.Count == 0)
        {
            console.WriteLine(report.HasLibtorch ? "All is well: 'convoy train --data synthetic' trains on every core." : "All is well: 'convoy launch -- PROGRAM' runs a program on every core.");
        }

        foreach (string warning in report.Warnings)
        {
            console.Write(new Text("warning: ", new Style(Color.Yellow)));
            console.WriteLine(warning);
        }
    }

    private static IEnumerable<(string Name, string Value)> Rows(DoctorReport report)
    {
        HostInfo host = report.Host;
        yield return ("system", $"{host.OperatingSystem}, {host.Architecture}");
        yield return ("processor", host.CpuModel ?? "unknown");
        string limit = host.CpuLimit is { } cpus ? string.Create(CultureInfo.InvariantCulture, $", limited to {cpus:0.##} cores' time") : "";
        yield return ("cores", $"{host.UsableCores} usable of {host.LogicalCores}{(host.PhysicalCores is { } physical ? $" ({physical} physical)" : "")}{limit}");
        yield return ("instruction sets", host.InstructionSets.Count > 0 ? string.Join(", ", host.InstructionSets) : "none of those that matter");
        string speeds = string.Join(", ", report.Vectors.MultiplyAdds.Select(peak => string.Create(CultureInfo.InvariantCulture, $"{peak.GigaflopsPerSecond:0.0} GFLOP/s a core at {peak.Bits}")));
        yield return ("vectors", string.Create(CultureInfo.InvariantCulture, $"{report.Vectors.Bits} bits, of which Convoy's kernels may use {report.Vectors.UsableBits}{(speeds.Length > 0 ? $"; fp32 {speeds}" : "")}"));
        if (report.Caches.Count > 0)
        {
            yield return ("caches", string.Join(", ", report.Caches.Select(cache => string.Create(CultureInfo.InvariantCulture, $"L{cache.Level} {(cache.Bytes < 1 << 20 ? $"{cache.Bytes >> 10} KiB" : Diagnosis.Size(cache.Bytes))}"))));
        }

        yield return ("memory", $"{Diagnosis.Size(host.MemoryTotalBytes)}, {Diagnosis.Size(host.MemoryAvailableBytes)} free");
        if (report.SharedMemory is { } shared)
        {
            yield return (shared.Path, $"{Diagnosis.Size(shared.TotalBytes)}, {Diagnosis.Size(shared.FreeBytes)} free");
        }

        yield return ("GPUs", report.Gpus.Count > 0
            ? string.Join("; ", report.Gpus.Select(g => $"{g.Name}, {g.Memory}, driver {g.Driver}")) + (report.CudaAvailable ? "" : " (not usable)")
            : "none");
        foreach (BackendStatus backend in report.Backends)
        {
            yield return ($"backend {backend.Name}", $"{(backend.Available ? "yes" : "no")}: {backend.Detail}");
        }

        yield return ("versions", string.Join(", ", host.Versions.Select(v => $"{v.Key} {v.Value}")));
        if (!report.HasLibtorch)
        {
            yield return ("matrix multiply", "not measured: libtorch is not part of the tool");
        }

        foreach (MatrixMultiplyPeak peak in report.MatrixMultiply)
        {
            string threads = peak.Threads == 1 ? "1 thread" : $"{peak.Threads} threads";
            yield return ($"matrix multiply {peak.Precision}", string.Create(CultureInfo.InvariantCulture, $"{peak.GigaflopsPerSecond:0.0} GFLOP/s, {threads}"));
        }

        if (report.State is { } state)
        {
            yield return ("speed over 1.5 s", string.Create(CultureInfo.InvariantCulture, $"{(state.IsOneState ? "one state" : $"two states, {100 * state.SlowShare:0} % of the time in the slow one")} ({state.SlowGigaflopsPerSecond:0} to {state.FastGigaflopsPerSecond:0} GFLOP/s in a small matrix product)"));
        }

        yield return ("memory bandwidth", string.Create(CultureInfo.InvariantCulture, $"{report.MemoryBandwidth.GigabytesPerSecond:0.0} GB/s (triad)"));
        yield return ("chosen kernels", report.Kernels.Folder is { } folder
            ? string.Create(CultureInfo.InvariantCulture, $"{folder}, for {report.Kernels.Surroundings} {(report.Kernels.Surroundings == 1 ? "combination" : "combinations")} of processor, libraries, threads and processes")
            : $"not kept: there is no home folder. Set {KernelCache.FolderVariable} to one that you may write");
    }
}
