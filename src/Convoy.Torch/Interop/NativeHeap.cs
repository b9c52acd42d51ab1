using System.Runtime.InteropServices;

namespace Convoy.Torch.Interop;

/// <summary>The C library's allocator, from which tensors on the CPU have their memory.</summary>
internal static unsafe class NativeHeap
{
    private static readonly Lazy<nint> TrimFunction = new(() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out nint library) && NativeLibrary.TryGetExport(library, "malloc_trim", out nint function) ? function : 0);

    /// <summary>
    /// Gives free memory back to the system, where the C library is glibc. It keeps what was freed in pieces of the sizes that it was asked for; after work with other sizes than those of a
    /// step, the step would get further memory beside them.
    /// </summary>
    public static void Trim()
    {
        if (TrimFunction.Value is not 0 and nint function)
        {
            ((delegate* unmanaged[Cdecl]<nuint, int>)function)(0);
        }
    }
}
