using System.ComponentModel;
using System.Diagnostics;
using TorchSharp;

namespace Convoy.Cli.Doctor;

/// <summary>Finds NVIDIA GPUs, and whether libtorch can use them.</summary>
internal static class GpuCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The GPUs that <c>nvidia-smi</c> lists; none when that program is absent, fails or hangs.</summary>
    public static async Task<IReadOnlyList<Gpu>> ListAsync(CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("nvidia-smi", ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process? process = Start(start);
        if (process is null)
        {
            return [];
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            Task errors = process.StandardError.ReadToEndAsync(limit.Token);
            string text = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await errors;
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0 ? Parse(text) : [];
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return [];
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Whether libtorch has a GPU. Only a CUDA build is asked: the CPU build would search the disk for another one.</summary>
    public static bool IsCudaAvailable() =>
        NativeLibraryFolders().Any(f => File.Exists(Path.Combine(f, "libtorch_cuda.so")) || File.Exists(Path.Combine(f, "torch_cuda.dll")))
        && torch.cuda.is_available();

    /// <summary>Reads lines of <c>NAME, MEMORY, DRIVER</c>.</summary>
    internal static IReadOnlyList<Gpu> Parse(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(',', StringSplitOptions.TrimEntries))
            .Where(fields => fields.Length == 3)
            .Select(fields => new Gpu(fields[0], fields[1], fields[2]))];

    private static IEnumerable<string> NativeLibraryFolders() =>
        [AppContext.BaseDirectory, .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)];

    private static Process? Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (Win32Exception)
        {
            return null; // there is no such program: no NVIDIA driver
        }
    }
}
