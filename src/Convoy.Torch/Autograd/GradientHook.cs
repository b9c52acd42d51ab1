using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Torch.Autograd;

/// <summary>
/// Calls something whenever a backward pass has computed a tensor's gradient, before it is added to <c>grad</c> or goes on to earlier layers (PyTorch's <c>Tensor.register_hook</c>).
/// The gradient stays as it is. Nothing is put into the graph.
/// </summary>
public sealed unsafe class GradientHook : IDisposable
{
    private readonly Tensor _tensor;
    private readonly uint _position;
    private bool _isRemoved;

    /// <summary>Puts the hook on a tensor. It stays until <see cref="Dispose"/>, or as long as the tensor and graphs through it live.</summary>
    /// <param name="tensor">A tensor that requires a gradient.</param>
    /// <param name="onGradient">
    /// Is called on the thread that called backward, inside the pass, which is <see cref="AutogradEngine.CurrentPass"/>. What it throws makes the pass fail when it ends (<see cref="AutogradEngine.FailPass"/>).
    /// </param>
    /// <exception cref="ArgumentException">The tensor requires no gradient.</exception>
    /// <exception cref="NotSupportedException">The engine cannot be reached (<see cref="AutogradEngine.IsSupported"/>).</exception>
    public GradientHook(Tensor tensor, Action onGradient)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentNullException.ThrowIfNull(onGradient);
        AutogradEngineExports exports = AutogradEngineExports.Instance
            ?? throw new NotSupportedException($"gradient hooks are not supported: {AutogradEngineExports.Fault}.");
        if (!tensor.requires_grad)
        {
            throw new ArgumentException($"the tensor requires no gradient (of shape [{string.Join(", ", tensor.shape)}]). Set requires_grad before its hook.", nameof(tensor));
        }

        _tensor = tensor;
        StandardFunction function = StandardFunction.Holding(onGradient, (nint)(delegate* unmanaged[Cdecl]<nint*, nint*, nint, nint*>)&Call);
        _position = exports.RegisterHook(tensor.Handle, &function);
        function.Free();
    }

    /// <summary>Takes the hook away, unless the tensor is disposed of.</summary>
    public void Dispose()
    {
        if (!_isRemoved && !_tensor.IsInvalid)
        {
            AutogradEngineExports.Instance!.RemoveHook(_tensor.Handle, _position);
        }

        _isRemoved = true;
    }

    // TensorBase (const TensorBase&): writes the result to where the caller wants it. An undefined tensor says that the gradient stays as it is.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint* Call(nint* result, nint* function, nint gradient)
    {
        try
        {
            StandardFunction.Held<Action>(function)();
        }
#pragma warning disable CA1031 // Passed on in libtorch's way.
        catch (Exception error)
#pragma warning restore CA1031
        {
            AutogradEngine.FailPass(error);
        }

        *result = AutogradEngineExports.Instance!.UndefinedTensor;
        return result;
    }
}
