using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Checkpointing;

/// <summary>A chain of modules whose inner results are computed again in the backward pass.</summary>
/// <param name="modules">The modules, each called with what the one before gave; at least one.</param>
/// <param name="guard">Keeps a part's gradients until those of the next are there; the parts of a network share it. Stays the caller's.</param>
internal sealed class CheckpointedPart(IReadOnlyList<nn.Module<Tensor, Tensor>> modules, BackwardGuard guard)
{
    /// <summary>Runs the chain.</summary>
    public Tensor Call(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Parameter[] parameters = [.. modules.SelectMany(module => module.parameters()).Where(parameter => parameter.requires_grad)];
        if (!is_grad_enabled() || (parameters.Length == 0 && !input.requires_grad))
        {
            return Run(input);
        }

        guard.Enter();
        using var scope = NewDisposeScope();
        return CheckpointFunction.apply([this, guard, input, .. parameters]).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the chain as it is.</summary>
    public Tensor Run(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor result = input;
        foreach (nn.Module<Tensor, Tensor> module in modules)
        {
            result = module.call(result);
        }

        return ReferenceEquals(result, input) ? result : result.MoveToOuterDisposeScope();
    }

    /// <summary>The values of all buffers, to be put back by <see cref="PutBack"/>.</summary>
    public IReadOnlyList<(Tensor Buffer, byte[] Value)> Buffers() =>
        [.. modules.SelectMany(module => module.buffers()).Select(buffer => (buffer, Memory(buffer).ToArray()))];

    /// <summary>Puts values back. Not by an operation: the pass around may have saved a buffer, and would take it for changed.</summary>
    public static void PutBack(IReadOnlyList<(Tensor Buffer, byte[] Value)> buffers)
    {
        foreach ((Tensor buffer, byte[] value) in buffers)
        {
            value.CopyTo(Memory(buffer));
        }
    }

    private static unsafe Span<byte> Memory(Tensor buffer) => buffer.device_type == DeviceType.CPU && buffer.is_contiguous()
        ? new Span<byte>(TensorMemory.Address(buffer), checked((int)(buffer.numel() * buffer.element_size())))
        : throw new NotSupportedException($"a module that is computed again has a buffer of shape [{string.Join(", ", buffer.shape)}] that is not dense on the CPU. Leave the module out.");
}
