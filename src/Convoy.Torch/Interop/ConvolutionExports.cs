using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Torch.Interop;

/// <summary>
/// One gradient of a convolution alone (<c>torch.ops.aten.convolution_backward</c> with an output mask), which TorchSharp does not pass on. Looked up once; where
/// it cannot be called, there is none.
/// </summary>
/// <remarks>
/// The mangled name says what the function takes, but not how <c>std::tuple</c>, <c>ArrayRef</c> and <c>OptionalArrayRef</c> lie in memory: see <see cref="VerifiedLibtorch"/>.
/// </remarks>
internal sealed unsafe class ConvolutionExports
{
    private const string BackwardName =
        "_ZN2at25compositeexplicitautograd20convolution_backwardERKNS_6TensorES3_S3_N3c1016OptionalArrayRefIlEENS4_8ArrayRefIlEES8_S8_bS8_lSt5arrayIbLm3EE";

    private static readonly Lazy<ConvolutionExports?> Found = new(() => VerifiedLibtorch.Find(() => ((ConvolutionExports?)new ConvolutionExports(), (string?)null)).Made);

    private readonly delegate* unmanaged[Cdecl]<nint*, nint, nint, nint, OptionalSizes, Sizes, Sizes, Sizes, byte, Sizes, long, Mask, nint*> _backward;
    private readonly delegate* unmanaged[Cdecl]<nuint, nint*> _allocate;
    private readonly nint _undefined;

    private ConvolutionExports()
    {
        _backward = (delegate* unmanaged[Cdecl]<nint*, nint, nint, nint, OptionalSizes, Sizes, Sizes, Sizes, byte, Sizes, long, Mask, nint*>)new LibraryExports("torch_cpu")[BackwardName];
        _allocate = (delegate* unmanaged[Cdecl]<nuint, nint*>)new LibraryExports("libstdc++.so.6")["_Znwm"];
        _undefined = new LibraryExports("c10")["_ZN3c1019UndefinedTensorImpl10_singletonE"];
    }

    /// <summary>The function; null where it cannot be called.</summary>
    public static ConvolutionExports? Instance => Found.Value;

    /// <summary>The gradient of the input.</summary>
    /// <param name="gradient">Of the result, [N, K, OutHeight, OutWidth].</param>
    /// <param name="input">[N, C, H, W]: its sizes and layout count.</param>
    /// <param name="weight">[K, C, R, S], in the gradient's type.</param>
    /// <param name="strides">Rows, columns.</param>
    /// <param name="paddings">Rows, columns.</param>
    public Tensor InputGradient(Tensor gradient, Tensor input, Tensor weight, long[] strides, long[] paddings) => Call(gradient, input, weight, strides, paddings, 0);

    /// <summary>The gradient of the weights, in the gradient's type.</summary>
    /// <inheritdoc cref="InputGradient"/>
    public Tensor WeightGradient(Tensor gradient, Tensor input, Tensor weight, long[] strides, long[] paddings) => Call(gradient, input, weight, strides, paddings, 1);

    private Tensor Call(Tensor gradient, Tensor input, Tensor weight, long[] strides, long[] paddings, int wanted)
    {
        long* ones = stackalloc long[] { 1, 1 }, zeros = stackalloc long[] { 0, 0 };
        nint* results = stackalloc nint[3];
        fixed (long* stride = strides, padding = paddings)
        {
            _backward(
                results, gradient.Handle, input.Handle, weight.Handle, default, new Sizes(stride, 2), new Sizes(padding, 2), new Sizes(ones, 2), 0, new Sizes(zeros, 2), 1,
                new Mask { Input = wanted == 0 ? (byte)1 : (byte)0, Weight = wanted == 1 ? (byte)1 : (byte)0 });
        }

        // A tuple has its last element first. The others are undefined, which is one object that nobody counts.
        nint result = results[2 - wanted];
        if (result == _undefined)
        {
            throw new InvalidOperationException("libtorch gave no gradient of a convolution. Use the TorchSharp version that this library was built for (0.107).");
        }

        nint* handle = _allocate((nuint)sizeof(nint));
        *handle = result;
        return Tensor.UnsafeCreateTensor((nint)handle);
    }

    /// <summary><c>c10::ArrayRef&lt;int64_t&gt;</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Sizes(long* start, nint length)
    {
        private readonly long* _start = start;
        private readonly nint _length = length;
    }

    /// <summary><c>c10::OptionalArrayRef&lt;int64_t&gt;</c>; the default is none.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct OptionalSizes
    {
        private readonly Sizes _value;
        private readonly long _hasValue;
    }

    /// <summary><c>std::array&lt;bool, 3&gt;</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Mask
    {
        public byte Input;
        public byte Weight;
        public byte Bias;
    }
}
