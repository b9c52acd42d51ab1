using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Torch.Interop;

/// <summary>Where a CPU tensor's elements lie, and tensors over memory that is there already, through TorchSharp's native library.</summary>
public static unsafe class TensorMemory
{
    // The native library tells only the address when it lets go of memory, so who is to be told is looked up here.
    private static readonly ConcurrentDictionary<nint, Action> Owners = new();

    /// <summary>The address of the tensor's first element.</summary>
    public static byte* Address(Tensor tensor) => (byte*)THSTensor_data(tensor.Handle);

    /// <summary>Makes a one-dimensional tensor over <paramref name="start"/>; nothing is copied.</summary>
    /// <param name="start">The memory: at least <paramref name="count"/> elements.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="dtype">The element type.</param>
    /// <param name="release">Called once, when no tensor uses the memory any more; from any thread.</param>
    /// <returns>The tensor; the caller's.</returns>
    /// <exception cref="InvalidOperationException">A tensor over memory that begins there exists already.</exception>
    /// <exception cref="NotSupportedException">libtorch makes none.</exception>
    public static Tensor Wrap(byte* start, long count, ScalarType dtype, Action release)
    {
        if (!Owners.TryAdd((nint)start, release))
        {
            throw new InvalidOperationException("the memory is wrapped as a tensor already");
        }

        InitializeDeviceType(TorchSharp.DeviceType.CPU);
        nint handle = THSTensor_new(start, &Release, &count, 1, (sbyte)dtype, (sbyte)dtype, (int)TorchSharp.DeviceType.CPU, 0, 0);
        if (handle == 0)
        {
            Owners.TryRemove((nint)start, out _);
            throw new NotSupportedException("libtorch cannot make a tensor over memory that is there already. Use the TorchSharp version that this library was built for.");
        }

        return Tensor.UnsafeCreateTensor(handle);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint start)
    {
        if (Owners.TryRemove(start, out Action? release))
        {
            release();
        }
    }

#pragma warning disable IDE1006 // The native library's names.
    [DllImport("LibTorchSharp", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    private static extern nint THSTensor_data(nint tensor);

    [DllImport("LibTorchSharp", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    private static extern nint THSTensor_new(
        byte* memory, delegate* unmanaged[Cdecl]<nint, void> deleter, long* sizes, int dimensions, sbyte type, sbyte dtype, int deviceType, int deviceIndex, byte requiresGradient);
#pragma warning restore IDE1006
}
