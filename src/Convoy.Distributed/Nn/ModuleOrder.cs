using System.Reflection;
using Convoy.Torch.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Sees in which order the modules are called, and so in which order their parameters' gradients will be complete: a gradient is,
/// when backward has passed the first place where forward used the parameter. Unlike the time of arrival the order is the same in
/// each run, and nothing is put into the graph.
/// </summary>
internal sealed class ModuleOrder : IDisposable
{
    private readonly List<(object Remover, MethodInfo Remove)> _hooks = [];
    private readonly int[] _firstUse;
    private int _calls;

    /// <param name="module">The module; it and those inside it are watched until <see cref="Dispose"/>.</param>
    /// <param name="parameters">The parameters that get gradients, in order of registration.</param>
    public ModuleOrder(nn.Module module, IReadOnlyList<Parameter> parameters)
    {
        _firstUse = new int[parameters.Count];
        Dictionary<nint, int> indices = parameters.Select((parameter, index) => (AutogradVersion.Identity(parameter), index)).ToDictionary();
        var seen = new HashSet<nn.Module>(ReferenceEqualityComparer.Instance);
        foreach (nn.Module part in module.named_modules().Select(named => named.module).Prepend(module).Where(seen.Add))
        {
            int[] own = [.. part.named_parameters(recurse: false).Select(p => AutogradVersion.Identity(p.parameter)).Where(indices.ContainsKey).Select(identity => indices[identity])];
            if (own.Length > 0)
            {
                Watch(part, own);
            }
        }
    }

    /// <summary>The parameters' indices, the first to get its gradient first.</summary>
    public int[] ArrivalOrder()
    {
        // Parameters of modules that were not called (their parent used them by itself) go with those registered before them.
        int[] use = [.. _firstUse];
        for (int i = 1; i < use.Length; i++)
        {
            use[i] = use[i] == 0 ? use[i - 1] : use[i];
        }

        return [.. Enumerable.Range(0, use.Length).OrderByDescending(index => use[index]).ThenByDescending(index => index)];
    }

    /// <summary>Takes the hooks away.</summary>
    public void Dispose()
    {
        _hooks.ForEach(hook => hook.Remove.Invoke(hook.Remover, null));
        _hooks.Clear();
    }

    // All modules have this method, which does not depend on what they take and give, but no common class declares it.
    private void Watch(nn.Module module, int[] parameters)
    {
        Action<nn.Module> hook = _ => Note(parameters);
        MethodInfo? register = module.GetType().GetMethod("register_forward_pre_hook", [typeof(Action<nn.Module>)]);
        if (register?.Invoke(module, [hook]) is { } remover && remover.GetType().GetMethod("remove") is { } remove)
        {
            _hooks.Add((remover, remove));
        }
    }

    private void Note(int[] parameters)
    {
        if (!is_grad_enabled())
        {
            return;
        }

        _calls++;
        foreach (int parameter in parameters)
        {
            _firstUse[parameter] = _firstUse[parameter] == 0 ? _calls : _firstUse[parameter];
        }
    }
}
