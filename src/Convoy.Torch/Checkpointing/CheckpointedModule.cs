using Convoy.Torch.Autograd;
using static TorchSharp.torch;

namespace Convoy.Torch.Checkpointing;

/// <summary>
/// Stands for a module that is computed again in the backward pass. It has the module's children, parameters and buffers under their names, so that nobody who looks at the network sees a difference.
/// </summary>
internal sealed class CheckpointedModule : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> _module;
    private readonly CheckpointedPart _part;
    private readonly BackwardGuard _guard;

    /// <param name="module">The module; nothing else must refer to it any more.</param>
    /// <param name="guard">See <see cref="CheckpointedPart"/>.</param>
    public CheckpointedModule(nn.Module<Tensor, Tensor> module, BackwardGuard guard)
        : base(module.GetName())
    {
        (_module, _part, _guard) = (module, new CheckpointedPart([module], guard), guard);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in module.named_parameters(recurse: false))
        {
            register_parameter(name, parameter);
        }

        foreach ((string name, Tensor buffer) in module.named_buffers(recurse: false))
        {
            register_buffer(name, buffer);
        }

        foreach ((string name, nn.Module child) in module.named_children())
        {
            register_module(name, child);
        }
    }

    public override Tensor forward(Tensor input)
    {
        if (_module.training != training)
        {
            _module.train(training);
        }

        return training ? _part.Call(input) : _module.call(input);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _guard.Dispose();
        }

        base.Dispose(disposing);
    }
}
