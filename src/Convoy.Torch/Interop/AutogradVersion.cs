using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Torch.Interop;

/// <summary>
/// A tensor's version: how often it was changed in place (PyTorch's <c>Tensor._version</c>). libtorch raises it after the new
/// values are written, with an atomic operation, so a thread that sees the new version sees the values, too.
/// </summary>
/// <remarks>A view shares the version of its base; two tensors that were given the same memory by <see cref="Alias"/> do not.</remarks>
public static unsafe class AutogradVersion
{
    // int64 at::native::_version(const Tensor&), a plain exported function, as Linux, macOS and Windows name it.
    private static readonly string[] Names = ["_ZN2at6native8_versionERKNS_6TensorE", "?_version@native@at@@YA_JAEBVTensor@2@@Z"];
    private static readonly Lazy<nint> Function = new(() => Find(Names));

    // void torch::autograd::impl::bump_version(const Tensor&), exported likewise.
    private static readonly string[] RaiseNames = ["_ZN5torch8autograd4impl12bump_versionERKN2at6TensorE", "?bump_version@impl@autograd@torch@@YAXAEBVTensor@at@@@Z"];
    private static readonly Lazy<nint> RaiseFunction = new(() => Find(RaiseNames));

    // bool at::native::is_inference(const Tensor&).
    private static readonly string[] InferenceNames = ["_ZN2at6native12is_inferenceERKNS_6TensorE", "?is_inference@native@at@@YA_NAEBVTensor@2@@Z"];
    private static readonly Lazy<nint> InferenceFunction = new(() => Find(InferenceNames));

    /// <summary>Whether the versions of <paramref name="tensor"/> are counted and can be asked for: not those of tensors that were made in inference mode.</summary>
    public static bool IsCounted(Tensor tensor) =>
        Function.Value != 0 && InferenceFunction.Value is not 0 and nint function && ((delegate* unmanaged[Cdecl]<nint, byte>)function)(tensor.Handle) == 0;

    /// <summary>The version of <paramref name="tensor"/>, whose versions must be counted (<see cref="IsCounted"/>); from any thread.</summary>
    /// <exception cref="NotSupportedException">libtorch does not export the function.</exception>
    public static long Get(Tensor tensor) => Function.Value is not 0 and nint function
        ? ((delegate* unmanaged[Cdecl]<nint, long>)function)(tensor.Handle)
        : throw new NotSupportedException("libtorch does not tell the versions of tensors (at::native::_version is not found). Use the libtorch version that this library was built for.");

    /// <summary>
    /// Raises the version of <paramref name="tensor"/> by one, for memory that was written to behind libtorch's back: a backward pass
    /// through a graph that kept the old values then fails as it would after an operation in place.
    /// </summary>
    public static void Raise(Tensor tensor)
    {
        if (RaiseFunction.Value is not 0 and nint function)
        {
            ((delegate* unmanaged[Cdecl]<nint, void>)function)(tensor.Handle);
        }
        else
        {
            RaiseByOperation(tensor);
        }
    }

    /// <summary>The same by an operation in place on a part without elements: some microseconds instead of some nanoseconds.</summary>
    internal static void RaiseByOperation(Tensor tensor)
    {
        using var noGradient = no_grad();
        using Tensor nothing = tensor.as_strided([0], [1], 0);
        nothing.zero_();
    }

    /// <summary>Makes a tensor over the memory of <paramref name="tensor"/> that counts its own changes.</summary>
    /// <returns>A tensor of the same shape and strides that belongs to no dispose scope.</returns>
    public static Tensor Alias(Tensor tensor)
    {
        using var noGradient = no_grad();
        return empty([0], tensor.dtype).DetachFromDisposeScope().set_(tensor);
    }

    /// <summary>What is the same for all handles of one tensor, and no other's (also not of one over the same memory) as long as it lives.</summary>
    public static nint Identity(Tensor tensor) => *(nint*)tensor.Handle; // A handle points to a pointer to the tensor.

    /// <summary>Whether two handles are one tensor (and not only two over the same memory).</summary>
    public static bool AreSame(Tensor first, Tensor second) => Identity(first) == Identity(second);

    private static nint Find(string[] names)
    {
        InitializeDeviceType(TorchSharp.DeviceType.CPU); // Loads the library.
        if (NativeLibrary.TryLoad("torch_cpu", typeof(Tensor).Assembly, null, out nint library))
        {
            foreach (string name in names)
            {
                if (NativeLibrary.TryGetExport(library, name, out nint address))
                {
                    return address;
                }
            }
        }

        return 0;
    }
}
