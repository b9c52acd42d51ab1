using Convoy.Distributed.Interop;
using TorchSharp;
using TorchSharp.Modules;

namespace Convoy.Distributed.Nn;

/// <summary>Notices when the parameters of a wrapped module are changed in a way that the wrapper cannot follow.</summary>
internal sealed class ParameterGuard
{
    private readonly (string Name, Parameter Parameter, bool RequiresGradient)[] _parameters;

    public ParameterGuard(torch.nn.Module module)
    {
        // A weight that two modules share has two names, and may have two handles, which TorchSharp takes for two parameters.
        var seen = new HashSet<nint>();
        _parameters = [.. module.named_parameters().Where(p => seen.Add(AutogradVersion.Identity(p.parameter))).Select(p => (p.name, p.parameter, p.parameter.requires_grad))];
    }

    /// <summary>The parameters that required gradients when the module was wrapped; a shared one once, under its first name.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Trained => [.. _parameters.Where(p => p.RequiresGradient).Select(p => (p.Name, p.Parameter))];

    /// <exception cref="InvalidOperationException">A parameter was replaced, or its requires_grad changed.</exception>
    public void RequireUnchanged()
    {
        foreach ((string name, Parameter parameter, bool requiresGradient) in _parameters)
        {
            if (parameter.IsInvalid)
            {
                throw new InvalidOperationException($"the parameter '{name}' was disposed or replaced after the module was wrapped. Convert and load the module first, then wrap it.");
            }

            if (parameter.requires_grad != requiresGradient)
            {
                throw new InvalidOperationException($"requires_grad of the parameter '{name}' was {(requiresGradient ? "true" : "false")} when the module was wrapped and is not any more. Freeze parameters first, then wrap the module; to change it later, dispose of the wrapper and make a new one.");
            }
        }
    }
}
