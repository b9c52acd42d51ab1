using System.Collections;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// Notices that a backward pass reaches a model, by whatever call it was started, so that its gradients are averaged before it returns.
/// </summary>
/// <remarks>
/// <para>
/// A pass is known by a hook on each parameter, which runs right before its gradient is added: also for a loss that uses a parameter and not the model's output, and without a node in
/// the graph. The first one begins the reducer's pass and asks the engine for a call when all gradients are there (that is possible only while a pass runs), which ends it.
/// An identity function on the output, PyTorch's way for what must come first, would miss such a loss and need TorchSharp's custom functions. The outputs that are known have a hook, too: it runs before
/// those of the parameters, so that the times of a pass begin when it reaches the model, and in the outer of two passes that run inside of each other. It begins nothing, as all parameters may be
/// frozen behind it.
/// </para>
/// <para>
/// Hooks on parameters also run for <c>torch.autograd.grad</c>, which adds to no gradient: such a pass is left alone, as in PyTorch, and does not wait for other ranks.
/// </para>
/// </remarks>
internal sealed class BackwardHooks : IDisposable
{
    private readonly Parameter[] _parameters;
    private readonly Reducer _reducer;
    private readonly Action<long> _begin;
    private readonly Action _end;
    private readonly Action _onOutput;
    private readonly GradientHook[] _hooks;
    private readonly HashSet<int> _passes = [];
    private int _last = -1;
    private long _reached;
    private bool _isOpen;
    private bool _hasBegun;
    private bool _waitsForOuterPass;
    private bool _isDisposed;

    /// <param name="parameters">The parameters that get gradients.</param>
    /// <param name="reducer">What averages them; a pass that it has begun by itself is not this class's.</param>
    /// <param name="begin">Begins its pass; is told the time stamp of when the backward pass reached the model.</param>
    /// <param name="end">Ends it. What either throws comes out of the call that started the backward pass.</param>
    public BackwardHooks(IEnumerable<Parameter> parameters, Reducer reducer, Action<long> begin, Action end)
    {
        (_parameters, _reducer, _begin, _end, _onOutput) = ([.. parameters], reducer, begin, end, OnOutput);
        Action onParameter = OnParameter;
        _hooks = [.. _parameters.Select(parameter => new GradientHook(parameter, onParameter))];
    }

    /// <summary>Watches what the model gave: a tensor, or tensors in tuples, lists and dictionaries. What is not found in it is not missed.</summary>
    public void Watch(object? output)
    {
        switch (output)
        {
            case Tensor tensor:
                if (!tensor.IsInvalid && tensor.requires_grad && !tensor.is_leaf)
                {
                    _ = new GradientHook(tensor, _onOutput); // Lives as long as the graph.
                }

                break;
            case ITuple tuple:
                for (int i = 0; i < tuple.Length; i++)
                {
                    Watch(tuple[i]);
                }

                break;
            case IDictionary dictionary:
                Watch(dictionary.Values);
                break;
            case ICollection several:
                foreach (object? one in several)
                {
                    Watch(one);
                }

                break;
        }
    }

    /// <summary>Between two passes: gives up one that was begun and whose call threw.</summary>
    /// <exception cref="InvalidOperationException">The pass ran inside of another one, which ended without being seen.</exception>
    public void RequireNone()
    {
        _passes.Clear(); // Of calls that threw.
        if (!_isOpen)
        {
            return;
        }

        bool wasInside = _waitsForOuterPass;
        Close();
        _reducer.Abandon(null);
        if (wasInside)
        {
            throw new InvalidOperationException("a backward pass that ran inside of another one added to some parameters only, and the other one to none, so the gradients were not averaged. Call model.Backward(loss) in place of loss.backward() where a custom function calls backward.");
        }
    }

    /// <summary>Takes the hooks away.</summary>
    public void Dispose()
    {
        _isDisposed = true; // Hooks on outputs stay as long as their graphs.
        foreach (GradientHook hook in _hooks)
        {
            hook.Dispose();
        }
    }

    private void OnOutput()
    {
        if (!IsAnothers && AutogradEngine.IsWholePass)
        {
            Follow(AutogradEngine.CurrentPass);
        }
    }

    private void OnParameter()
    {
        if (IsAnothers)
        {
            return;
        }

        int pass = AutogradEngine.CurrentPass;
        if (pass == _last)
        {
            return;
        }

        _last = pass;
        if (!AutogradEngine.IsWholePass)
        {
            (nint, long)[] before = Gradients();
            AutogradEngine.QueueCallback(() => RequireSame(before));
            return;
        }

        Follow(pass);
        if (!_isOpen)
        {
            _isOpen = true;
            _begin(_reached);
            _hasBegun = true;
        }
    }

    private bool IsAnothers => _isDisposed || (_reducer.IsRunning && !_isOpen);

    private void Follow(int pass)
    {
        if (_passes.Add(pass))
        {
            _reached = _passes.Count == 1 ? Stopwatch.GetTimestamp() : _reached;
            AutogradEngine.QueueCallback(OnEnd);
        }
    }

    private void OnEnd()
    {
        int pass = AutogradEngine.CurrentPass;
        if (!_isOpen)
        {
            _passes.Remove(pass);
            return;
        }

        // Inside of another pass that has reached the model, or may still reach it, the gradients are not complete.
        _waitsForOuterPass = _hasBegun && AutogradEngine.IsNestedPass && (_passes.Any(other => other < pass) || !_reducer.HasAllGradients);
        if (_waitsForOuterPass)
        {
            return;
        }

        bool hasBegun = _hasBegun;
        Close();
        if (hasBegun)
        {
            _end();
        }
    }

    private void Close()
    {
        (_isOpen, _hasBegun, _waitsForOuterPass) = (false, false, false);
        _passes.Clear();
    }

    private (nint Gradient, long Version)[] Gradients() => [.. _parameters.Select(parameter =>
    {
        using Tensor? gradient = parameter.grad;
        return gradient is null ? (0, 0) : (AutogradVersion.Identity(gradient), AutogradVersion.Get(gradient));
    })];

    private void RequireSame((nint, long)[] before)
    {
        if (!_isDisposed && !before.SequenceEqual(Gradients()))
        {
            throw new InvalidOperationException("backward with inputs has added to the gradients of some parameters only, which is not averaged over the ranks. Leave inputs out, or use torch.autograd.grad, which adds to none.");
        }
    }
}
