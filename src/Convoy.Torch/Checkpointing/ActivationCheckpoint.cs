using Convoy.Torch.Autograd;
using Convoy.Torch.Nn;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Checkpointing;

/// <summary>
/// Trades time for memory: what a part of a network computes between its input and its output is not kept for the backward pass, which computes it again from the input
/// (PyTorch's <c>torch.utils.checkpoint</c>; Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
/// </summary>
/// <remarks>
/// <para>
/// Losses and gradients are those without it, to the bit: the second forward pass draws the same random numbers from libtorch's generator (dropout), runs in the same autocast region, and leaves
/// buffers such as a batch norm's running statistics as they were. Only where a part's input is used elsewhere too, and more than once inside, are its gradients added in another order;
/// give the part a view of it, <c>input.view(input.shape)</c>, where bits count (TorchSharp's <c>alias()</c> is no operation of the graph).
/// Gradients of parameters reach them in the pass that was started, so that <c>DistributedDataParallel</c>, accumulation and <c>torch.autograd.grad</c> work as without it. Layers that exchange
/// data between ranks do so again, in the same order on all of them.
/// </para>
/// <para>
/// A part must compute the same when it runs again: random numbers from elsewhere, and data that it keeps in fields, are not restored. Its hooks are called again. It must not change its input in place.
/// Without a gradient, and with <see cref="Apply"/> in evaluation mode, parts run as they are.
/// </para>
/// <para>
/// <see cref="Apply"/> is for a network that is there; an object of this class for code that calls modules itself: keep one in the module that does, as it keeps the gradients of one part until those of the next
/// are there. Not thread-safe.
/// </para>
/// </remarks>
public sealed class ActivationCheckpoint : IDisposable
{
    private readonly BackwardGuard _guard = new();

    /// <summary>Runs a module, whose inner results are computed again in the backward pass (PyTorch's <c>checkpoint(module, input)</c>).</summary>
    /// <param name="module">The module; its parameters are all that get gradients.</param>
    /// <param name="input">Its input.</param>
    /// <returns>Its output.</returns>
    public Tensor Call(nn.Module<Tensor, Tensor> module, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(module);
        return new CheckpointedPart([module], _guard).Call(input);
    }

    /// <summary>Runs the children of a module in turn, cut into parts of equal numbers; the inner results of all but the last are computed again (PyTorch's <c>checkpoint_sequential</c>).</summary>
    /// <param name="modules">The children, each called with what the one before gave.</param>
    /// <param name="segments">How many parts; 1 to the number of children.</param>
    /// <param name="input">The first one's input.</param>
    /// <returns>The last one's output.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer children than parts, or no part.</exception>
    public Tensor CallSequential(IReadOnlyList<nn.Module<Tensor, Tensor>> modules, int segments, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(modules);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfLessThan(segments, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(segments, modules.Count);
        using var scope = NewDisposeScope();
        int length = modules.Count / segments;
        Tensor result = input;
        for (int segment = 0; segment < segments - 1; segment++)
        {
            result = new CheckpointedPart([.. modules.Skip(segment * length).Take(length)], _guard).Call(result);
        }

        foreach (nn.Module<Tensor, Tensor> module in modules.Skip((segments - 1) * length))
        {
            result = module.call(result);
        }

        return ReferenceEquals(result, input) ? result : result.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Has modules inside of a network computed again in the backward pass. Names, parameters and buffers stay what they are. To be done last, after <see cref="Fusion.Apply"/> and conversion to synchronized batch
    /// norm, and before a wrapper takes the network.
    /// </summary>
    /// <param name="network">The network. What is replaced must be held in fields, lists or dictionaries whose type also admits another module, such as <c>Module&lt;Tensor, Tensor&gt;</c>.</param>
    /// <param name="names">Names of modules of one tensor, as <c>named_modules</c> has them: <c>layer1</c>, <c>layer2.0</c>. Null, the default: <see cref="Blocks"/>.</param>
    /// <returns>The names of those that are computed again.</returns>
    /// <exception cref="ArgumentException">A name is not that of a module of one tensor, or stands inside of another one; a module cannot be replaced, as its field is declared otherwise; or there are no blocks. Nothing was changed.</exception>
    public static IReadOnlyList<string> Apply(nn.Module network, IEnumerable<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        string[] chosen = [.. names ?? Blocks(network)];
        if (chosen.Length == 0)
        {
            throw new ArgumentException("the network has no blocks (modules with children of their own, in a Sequential or ModuleList). Give names of its modules.");
        }

        Dictionary<string, nn.Module> modules = network.named_modules().ToDictionary(named => named.name, named => named.module, StringComparer.Ordinal);
        var parts = new HashSet<nn.Module>(ReferenceEqualityComparer.Instance);
        foreach (string name in chosen)
        {
            if (!modules.TryGetValue(name, out nn.Module? module))
            {
                throw new ArgumentException($"the network has no module '{name}'. It has {string.Join(", ", modules.Keys.Where(key => key.Length > 0 && !key.Contains('.', StringComparison.Ordinal)))}.");
            }

            if (module is not nn.Module<Tensor, Tensor>)
            {
                throw new ArgumentException($"the module '{name}' ({module.GetType().Name}) is not one of a tensor to a tensor. Leave it out.");
            }

            if (chosen.FirstOrDefault(other => name.StartsWith(other + ".", StringComparison.Ordinal)) is { } outer)
            {
                throw new ArgumentException($"the module '{name}' is a part of '{outer}', which is given, too. Leave one out.");
            }

            parts.Add(module);
        }

        var guard = new BackwardGuard();
        ModuleReplacement.ReplaceAll(network, module => parts.Contains(module) ? new CheckpointedModule((nn.Module<Tensor, Tensor>)module, guard) : null);
        return chosen;
    }

    /// <summary>What is worth to be computed again in most networks: the outermost modules of one tensor that stand in an <c>nn.Sequential</c> or <c>nn.ModuleList</c> and have children of their own, such as a ResNet's residual blocks.</summary>
    /// <param name="network">The network.</param>
    /// <returns>Their names, in the order of registration.</returns>
    public static IReadOnlyList<string> Blocks(nn.Module network)
    {
        ArgumentNullException.ThrowIfNull(network);
        List<string> found = [];
        Find(network, string.Empty, found);
        return found;
    }

    /// <summary>Frees the gradients that it still holds.</summary>
    public void Dispose() => _guard.Dispose();

    private static void Find(nn.Module module, string path, List<string> found)
    {
        bool isList = module is Sequential || module.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(ModuleList<>);
        foreach ((string name, nn.Module child) in module.named_children())
        {
            string full = path.Length == 0 ? name : $"{path}.{name}";
            if (isList && child is nn.Module<Tensor, Tensor> and not Sequential && child.named_children().Any())
            {
                found.Add(full);
            }
            else
            {
                Find(child, full, found);
            }
        }
    }
}
