using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Torch.Interop;

/// <summary>
/// The one libtorch whose C++ functions are called by their mangled names where these do not say how what they take and return lies in memory: verified as GCC's C++ library builds it on x64 Linux, and used
/// nowhere else.
/// </summary>
internal static class VerifiedLibtorch
{
    // TorchSharp 0.107 takes libtorch 2.10, and no other.
    private static readonly Version TorchSharp = new(0, 107);

    /// <summary>Makes something of its functions.</summary>
    /// <param name="create">Looks the functions up; or says why they cannot be used.</param>
    /// <returns>What was made; or, as the end of a sentence, why it was not.</returns>
    public static (T? Made, string? Fault) Find<T>(Func<(T? Made, string? Fault)> create)
        where T : class
    {
        Version found = typeof(Tensor).Assembly.GetName().Version ?? new Version();
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return (null, $"it is done on Linux x64 only, and this is {RuntimeInformation.RuntimeIdentifier}");
        }

        if ((found.Major, found.Minor) != (TorchSharp.Major, TorchSharp.Minor))
        {
            return (null, $"it was verified with TorchSharp {TorchSharp}, and this is {found}");
        }

        InitializeDeviceType(global::TorchSharp.DeviceType.CPU); // Loads libtorch.
        try
        {
            return create();
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return (null, $"a function of libtorch, the C or the C++ library is missing ({error.Message})");
        }
    }
}

/// <summary>The exported functions of a library that comes with libtorch, or that it needs.</summary>
/// <param name="name">The library's name, such as <c>torch_cpu</c>.</param>
internal sealed class LibraryExports(string name)
{
    private readonly nint _handle = NativeLibrary.Load(name, typeof(Tensor).Assembly, null);

    /// <summary>A function's address.</summary>
    /// <exception cref="EntryPointNotFoundException">There is none of that name.</exception>
    public nint this[string export] => NativeLibrary.GetExport(_handle, export);
}
