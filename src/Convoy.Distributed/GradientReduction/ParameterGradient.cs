using Convoy.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// A parameter's gradient: a tensor of its own, so that its version tells what backward did. Backward adds to it in place, once
/// for each time that the graph reaches the parameter (once in all but re-entrant graphs), which raises the version by one.
/// </summary>
internal sealed class ParameterGradient
{
    private Tensor? _gradient;
    private Tensor? _kept;
    private long _startVersion;
    private long _reductionVersion;
    private bool _wasNone;

    /// <param name="name">The parameter's name, for messages.</param>
    /// <param name="parameter">The parameter.</param>
    public ParameterGradient(string name, Parameter parameter) => (Name, Parameter) = (name, parameter);

    public string Name { get; }

    public Parameter Parameter { get; }

    /// <summary>The tensor that is the parameter's gradient.</summary>
    public Tensor Gradient => _gradient!;

    /// <summary>How many additions of a backward pass make the gradient complete.</summary>
    public long ExpectedAdditions { get; set; } = 1;

    /// <summary>Whether a backward pass on this rank has added to it since the ranks averaged last.</summary>
    public bool IsUsed { get; private set; }

    /// <summary>How many additions the last backward pass made.</summary>
    public long Additions { get; private set; }

    /// <summary>Whether the additions of the present backward pass are complete; from any thread.</summary>
    public bool HasArrived => AdditionsSoFar == ExpectedAdditions;

    /// <summary>Whether something was added after <see cref="BeginReduction"/>.</summary>
    public bool ChangedSinceReduction => AutogradVersion.Get(Gradient) != _reductionVersion;

    /// <summary>Whether the present pass gave the parameter another gradient instead of adding to this one.</summary>
    public bool IsReplaced
    {
        get
        {
            if (AdditionsSoFar > 0)
            {
                return false;
            }

            using Tensor? given = Parameter.grad;
            return given is not null && !AutogradVersion.AreSame(given, Gradient);
        }
    }

    private long AdditionsSoFar => AutogradVersion.Get(Gradient) - _startVersion;

    /// <summary>Moves the gradient into <paramref name="place"/>, or into memory of its own, and keeps its value.</summary>
    public void Place(Tensor? place)
    {
        using var noGradient = no_grad();
        Tensor? old = _gradient;
        using Tensor? apart = place is null ? empty_strided(Parameter.shape, FlatLayout.DenseStrides(Parameter), dtype: Parameter.dtype) : null;
        _gradient = AutogradVersion.Alias(place ?? apart!);
        using Tensor? given = Parameter.grad;
        if (old is null || given is not null)
        {
            // At first all get one; later a gradient that is none remains so until the next pass.
            Attach();
        }

        old?.Dispose();
    }

    /// <summary>Makes the tensor the parameter's gradient again where something else took its place, keeping the value.</summary>
    public void Attach()
    {
        using Tensor? given = Parameter.grad;
        if (given is null)
        {
            _wasNone = true;
            Gradient.zero_();
        }
        else if (!AutogradVersion.AreSame(given, Gradient))
        {
            _wasNone = false;
            Gradient.copy_(given);
        }
        else
        {
            return;
        }

        Parameter.grad = Gradient;
    }

    /// <summary>A backward pass begins.</summary>
    public void Begin()
    {
        Attach();
        _startVersion = AutogradVersion.Get(Gradient);
    }

    /// <summary>The gradient is about to be averaged.</summary>
    /// <param name="keep">Whether a value that no pass has added to must be kept, for <see cref="Restore"/>.</param>
    public void BeginReduction(bool keep)
    {
        _reductionVersion = AutogradVersion.Get(Gradient);
        if (keep && !IsUsed && AdditionsSoFar == 0 && !_wasNone)
        {
            _kept = Gradient.clone().DetachFromDisposeScope();
        }
    }

    /// <summary>A backward pass is over, and nothing was averaged yet.</summary>
    public void RecordUse()
    {
        Additions = AdditionsSoFar;
        if (Additions > 0)
        {
            IsUsed = true;
            _wasNone = false;
        }
    }

    /// <summary>The ranks have averaged: use is recorded from the start again.</summary>
    public void ResetUse()
    {
        IsUsed = false;
        _kept?.Dispose();
        _kept = null;
    }

    /// <summary>Some rank has added to the gradient, so all have one now.</summary>
    public void MarkUsed() => _wasNone = false;

    /// <summary>No rank has added to the gradient: it becomes again what it was, none included.</summary>
    public void Restore()
    {
        if (_wasNone)
        {
            Parameter.grad = null;
        }
        else if (_kept is not null)
        {
            Gradient.copy_(_kept);
        }
    }

    /// <summary>Fills the gradient with zeros in place.</summary>
    /// <param name="toNone">Whether it becomes none again when no rank adds to it in the next pass.</param>
    public void Zero(bool toNone)
    {
        Attach();
        Gradient.zero_();
        _wasNone |= toNone;
    }

    /// <summary>Releases the tensor; the parameter keeps it.</summary>
    public void Free() => _gradient?.Dispose();
}
