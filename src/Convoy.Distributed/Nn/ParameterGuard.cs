using Convoy.Torch.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>Notices when the parameters of a wrapped module are changed in a way that the wrapper cannot follow.</summary>
internal sealed class ParameterGuard
{
    private const string Remedy = "Convert and load the module first, then wrap it.";

    private readonly nn.Module _module;
    private readonly (string Name, Parameter Parameter, bool RequiresGradient, ScalarType Type)[] _parameters;
    private readonly HashSet<nint> _known = [];

    public ParameterGuard(nn.Module module)
    {
        _module = module;

        // A weight that two modules share has two names, and may have two handles, which TorchSharp takes for two parameters.
        _parameters = [.. module.named_parameters().Where(p => _known.Add(AutogradVersion.Identity(p.parameter))).Select(p => (p.name, p.parameter, p.parameter.requires_grad, p.parameter.dtype))];
    }

    /// <summary>The parameters that required gradients when the module was wrapped; a shared one once, under its first name.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Trained => [.. _parameters.Where(p => p.RequiresGradient).Select(p => (p.Name, p.Parameter))];

    /// <summary>The quick check, for what happens often and while parameters may be frozen: looks only at the parameters that there were.</summary>
    /// <exception cref="InvalidOperationException">A parameter was disposed, replaced or converted.</exception>
    public void RequireWhole()
    {
        foreach ((string name, Parameter parameter, _, ScalarType type) in _parameters)
        {
            if (parameter.IsInvalid)
            {
                throw Replaced(name);
            }

            if (parameter.dtype != type)
            {
                throw new InvalidOperationException($"the parameter '{name}' was converted from {type} to {parameter.dtype} after the module was wrapped. {Remedy}");
            }
        }
    }

    /// <exception cref="InvalidOperationException">A parameter was disposed, replaced, converted or added, or its requires_grad changed.</exception>
    public void RequireUnchanged()
    {
        RequireWhole();
        foreach ((string name, Parameter parameter, bool requiresGradient, _) in _parameters)
        {
            if (parameter.requires_grad != requiresGradient)
            {
                throw new InvalidOperationException($"requires_grad of the parameter '{name}' was {(requiresGradient ? "true" : "false")} when the module was wrapped and no longer is. Freeze parameters first, then wrap the module; to change it later, dispose of the wrapper and create a new one.");
            }
        }

        foreach ((string name, Parameter parameter) in _module.named_parameters())
        {
            if (parameter.requires_grad && !_known.Contains(AutogradVersion.Identity(parameter)))
            {
                throw _parameters.Any(known => known.Name == name)
                    ? Replaced(name)
                    : new InvalidOperationException($"the parameter '{name}' was added after the module was wrapped, so its gradient would not be averaged. Complete the module first, then wrap it.");
            }
        }
    }

    /// <summary>Asks before the module is converted or moved, which would leave it without the tensors that the wrapper knows.</summary>
    /// <param name="type">The type to convert to; null: it stays.</param>
    /// <param name="device">Where to move.</param>
    /// <exception cref="InvalidOperationException">A parameter or buffer would become another tensor. Nothing was changed.</exception>
    public void RequireNothingToConvert(ScalarType? type, DeviceType device)
    {
        foreach ((string kind, string name, Tensor tensor) in _module.named_parameters().Select(p => ("parameter", p.name, (Tensor)p.parameter))
            .Concat(_module.named_buffers().Where(b => b.buffer.is_floating_point()).Select(b => ("buffer", b.name, b.buffer))))
        {
            if ((type is { } wanted && tensor.dtype != wanted) || tensor.device_type != device)
            {
                throw new InvalidOperationException($"the {kind} '{name}' cannot be converted from {tensor.dtype} on {tensor.device_type} to {type ?? tensor.dtype} on {device} now that the module is wrapped. {Remedy}");
            }
        }
    }

    private static InvalidOperationException Replaced(string name) =>
        new($"the parameter '{name}' was disposed or replaced after the module was wrapped. {Remedy}");
}
