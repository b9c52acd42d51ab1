using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Convoy.Torch.Amp;

/// <summary>
/// Scales the loss so that small gradients survive in float16, as PyTorch's <c>torch.amp.GradScaler</c>, with its defaults, schedule
/// and protocol: <c>scaler.Scale(loss).backward(); scaler.Step(optimizer); scaler.Update();</c>. bfloat16 has float32's range
/// and needs none.
/// </summary>
/// <remarks>
/// <para>
/// Between two updates each optimizer is unscaled at most once and stepped at most once, in this order; <see cref="Step"/> unscales
/// where it has not been done, in the update's own pass over memory if the optimizer is an <see cref="IUnscalingOptimizer"/>. When a gradient holds an infinity or NaN, the step is left out, weights and optimizer state stay as
/// they are bit for bit, and <see cref="Update"/> multiplies the scale by <see cref="BackoffFactor"/>; after
/// <see cref="GrowthInterval"/> updates in a row without one it multiplies it by <see cref="GrowthFactor"/>. With several
/// losses scale each, with several optimizers step each, and update once.
/// </para>
/// <para>It decides for this process alone. Where several have to leave out the same steps, a derived class lets them agree (<see cref="Agree"/>).</para>
/// <para>Micikevicius et al., "Mixed Precision Training" (2018). Not for several threads at a time.</para>
/// </remarks>
public class GradScaler
{
    private const string ScaleKey = "scale";
    private const string GrowthFactorKey = "growth_factor";
    private const string BackoffFactorKey = "backoff_factor";
    private const string GrowthIntervalKey = "growth_interval";
    private const string GrowthTrackerKey = "_growth_tracker";

    private readonly Dictionary<optim.Optimizer, OptimizerProgress> _progress = [];
    private float _scale;
    private bool _hasScaled;
    private double _growthFactor;
    private double _backoffFactor;
    private int _growthInterval;

    /// <summary>A new scaler.</summary>
    /// <param name="initScale">The first scale; above 0. Default: 65536.</param>
    /// <param name="growthFactor">See <see cref="GrowthFactor"/>. Default: 2.</param>
    /// <param name="backoffFactor">See <see cref="BackoffFactor"/>. Default: 0.5.</param>
    /// <param name="growthInterval">See <see cref="GrowthInterval"/>. Default: 2000.</param>
    /// <param name="enabled">False: losses stay unscaled and optimizers are just stepped. Default: true.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public GradScaler(double initScale = 65536, double growthFactor = 2, double backoffFactor = 0.5, int growthInterval = 2000, bool enabled = true)
    {
        _scale = ValidScale(initScale);
        IsEnabled = enabled;
        GrowthFactor = growthFactor;
        BackoffFactor = backoffFactor;
        GrowthInterval = growthInterval;
    }

    /// <summary>Whether it scales at all.</summary>
    public bool IsEnabled { get; }

    /// <summary>What the scale is multiplied by after <see cref="GrowthInterval"/> good updates; above 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a number above 1.</exception>
    public double GrowthFactor
    {
        get => _growthFactor;
        set => _growthFactor = value > 1 && double.IsFinite(value) ? value : throw OutOfRange(value, "a number above 1");
    }

    /// <summary>What the scale is multiplied by after an infinity or NaN; above 0 and below 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a number between 0 and 1.</exception>
    public double BackoffFactor
    {
        get => _backoffFactor;
        set => _backoffFactor = value is > 0 and < 1 ? value : throw OutOfRange(value, "a number above 0 and below 1");
    }

    /// <summary>How many updates in a row without infinity or NaN make the scale grow; at least 1. As in PyTorch, set below <see cref="GrowthTracker"/> it takes effect only after the next infinity.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public int GrowthInterval
    {
        get => _growthInterval;
        set => _growthInterval = value >= 1 ? value : throw OutOfRange(value, "1 or more");
    }

    /// <summary>How many updates in a row were without infinity or NaN since the scale last changed.</summary>
    public int GrowthTracker { get; private set; }

    /// <summary>The scale; 1 when disabled.</summary>
    public double GetScale() => IsEnabled ? _scale : 1;

    /// <summary>Multiplies a loss by the scale.</summary>
    /// <param name="loss">A loss, in float32: 65536 times a float16 one overflows.</param>
    /// <returns>The scaled loss; <paramref name="loss"/> itself when disabled.</returns>
    public Tensor Scale(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (!IsEnabled)
        {
            return loss;
        }

        _hasScaled = true;
        using TorchSharp.Scalar factor = _scale;
        return loss.mul(factor);
    }

    /// <summary>Multiplies several losses by the scale.</summary>
    /// <param name="losses">Losses, in float32.</param>
    /// <returns>The scaled losses in the same order; <paramref name="losses"/> themselves when disabled.</returns>
    public IReadOnlyList<Tensor> Scale(IReadOnlyList<Tensor> losses)
    {
        ArgumentNullException.ThrowIfNull(losses);
        return IsEnabled ? [.. losses.Select(Scale)] : losses;
    }

    /// <summary>
    /// Divides the gradients of an optimizer's parameters by the scale, in place. For clipping or looking at gradients before
    /// <see cref="Step"/>, which does it otherwise. PyTorch's <c>unscale_</c>.
    /// </summary>
    /// <param name="optimizer">The optimizer; all its gradients are accumulated by now.</param>
    /// <exception cref="InvalidOperationException">It has been unscaled or stepped since the last update, nothing has been scaled, or a gradient is float16.</exception>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    public void Unscale(optim.Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        if (!IsEnabled)
        {
            return;
        }

        RequireScaled();
        switch (StageOf(optimizer))
        {
            case Stage.Unscaled:
                throw new InvalidOperationException("Unscale has already been called for this optimizer since the last Update. Call it once between updates, after the last backward pass.");
            case Stage.Stepped:
                throw new InvalidOperationException("Unscale is called after Step. Call it before, or call Update first.");
        }

        // The reciprocal in float64, as PyTorch takes it, so that the factor is rounded once.
        (bool anyGradient, bool nonFinite) = GradientUnscaling.Run(optimizer.parameters(), (float)(1 / (double)_scale));
        Note(optimizer, anyGradient, nonFinite);
    }

    /// <summary>Unscales the optimizer's gradients unless <see cref="Unscale"/> has, and steps the optimizer unless one of them is infinite or NaN.</summary>
    /// <param name="optimizer">The optimizer. Closures are not supported, as in PyTorch.</param>
    /// <returns>Whether the optimizer was stepped.</returns>
    /// <exception cref="InvalidOperationException">It has been stepped since the last update, has no gradients, or what <see cref="Unscale"/> throws.</exception>
    public bool Step(optim.Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        if (!IsEnabled)
        {
            optimizer.step();
            return true;
        }

        RequireScaled();
        Stage stage = StageOf(optimizer);
        if (stage == Stage.Stepped)
        {
            throw new InvalidOperationException("Step has already been called for this optimizer since the last Update. Call Update at the end of each iteration.");
        }

        var unscaling = optimizer as IUnscalingOptimizer;
        bool unscalesItself = stage == Stage.Ready && unscaling is not null;
        if (unscalesItself)
        {
            (bool anyGradient, bool nonFinite) = unscaling!.CheckGradients();
            Note(optimizer, anyGradient, nonFinite);
        }
        else if (stage == Stage.Ready)
        {
            Unscale(optimizer);
        }

        OptimizerProgress progress = _progress[optimizer];
        if (!progress.AnyGradient)
        {
            throw new InvalidOperationException("No inf checks were recorded for this optimizer, none of its parameters has a gradient. Run a backward pass first.");
        }

        if (progress.NonFinite)
        {
            unscaling?.SkipStep();
        }
        else if (unscalesItself)
        {
            unscaling!.Step(1 / (double)_scale);
        }
        else
        {
            optimizer.step();
        }

        _progress[optimizer] = progress with { Stage = Stage.Stepped };
        return !progress.NonFinite;
    }

    /// <summary>Sets the scale for the next iteration by what the optimizers' gradients were like, and begins that iteration.</summary>
    /// <param name="newScale">A scale to set instead, above 0; null: by the schedule.</param>
    /// <exception cref="InvalidOperationException">Nothing was scaled, or, without <paramref name="newScale"/>, no optimizer was unscaled or stepped since the last update.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="newScale"/> is no number above 0.</exception>
    public void Update(double? newScale = null)
    {
        if (!IsEnabled)
        {
            return;
        }

        RequireScaled();
        if (newScale is { } given)
        {
            _scale = ValidScale(given);
        }
        else if (!_progress.Values.Any(progress => progress.AnyGradient))
        {
            throw new InvalidOperationException("No inf checks were recorded prior to Update. Call Step for each optimizer first.");
        }
        else
        {
            FollowSchedule(_progress.Values.Any(progress => progress.NonFinite));
        }

        _progress.Clear();
    }

    /// <summary>The state under PyTorch's keys: <c>scale</c>, <c>growth_factor</c>, <c>backoff_factor</c>, <c>growth_interval</c>, <c>_growth_tracker</c>. Empty when disabled. Take it after <see cref="Update"/>.</summary>
    public Dictionary<string, double> StateDict() => !IsEnabled ? [] : new Dictionary<string, double>(StringComparer.Ordinal)
    {
        [ScaleKey] = _scale,
        [GrowthFactorKey] = GrowthFactor,
        [BackoffFactorKey] = BackoffFactor,
        [GrowthIntervalKey] = GrowthInterval,
        [GrowthTrackerKey] = GrowthTracker,
    };

    /// <summary>Goes on where the scaler stood whose state it is. Without effect when disabled.</summary>
    /// <param name="state">What <see cref="StateDict"/> gave.</param>
    /// <exception cref="InvalidOperationException">The state is empty, perhaps a disabled scaler's.</exception>
    /// <exception cref="ArgumentException">A value is missing or outside its range. Nothing is changed.</exception>
    public void LoadStateDict(IReadOnlyDictionary<string, double> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (!IsEnabled)
        {
            return;
        }

        if (state.Count == 0)
        {
            throw new InvalidOperationException("the scaler's state is empty, possibly because it was saved from a disabled scaler. Load one that was enabled, or start with a new scale.");
        }

        // Into another scaler first, whose checks come before anything is changed here.
        var loaded = new GradScaler(Value(ScaleKey), Value(GrowthFactorKey), Value(BackoffFactorKey), Whole(GrowthIntervalKey, 1));
        GrowthTracker = Whole(GrowthTrackerKey, 0);
        (_scale, _growthFactor, _backoffFactor, _growthInterval) = (loaded._scale, loaded._growthFactor, loaded._backoffFactor, loaded._growthInterval);

        double Value(string key) =>
            state.TryGetValue(key, out double value) ? value : throw new ArgumentException($"the scaler's state has no {key}. Load what StateDict gave.", nameof(state));

        int Whole(string key, int least)
        {
            double value = Value(key);
            return value >= least && value <= int.MaxValue && value == Math.Floor(value)
                ? (int)value
                : throw new ArgumentException(FormattableString.Invariant($"the scaler's state has the {key} {value}. It must be a whole number from {least}."), nameof(state));
        }
    }

    /// <summary>Called once for each optimizer between updates, when its gradients have been looked at: where several processes must leave out the same steps, they agree here.</summary>
    /// <param name="anyGradient">Whether a parameter of this process has a gradient.</param>
    /// <param name="nonFinite">Whether one of its gradients is infinite or NaN.</param>
    /// <returns>What holds for all of them; by itself what was given.</returns>
    protected virtual (bool AnyGradient, bool NonFinite) Agree(bool anyGradient, bool nonFinite) => (anyGradient, nonFinite);

    // The rule of libtorch's _amp_update_scale_: float32 scale, float64 factors.
    private void FollowSchedule(bool nonFinite)
    {
        if (nonFinite)
        {
            _scale = (float)(_scale * _backoffFactor);
            GrowthTracker = 0;
            return;
        }

        GrowthTracker++;
        if (GrowthTracker != _growthInterval)
        {
            return;
        }

        float grown = (float)(_scale * _growthFactor);
        _scale = float.IsFinite(grown) ? grown : _scale;
        GrowthTracker = 0;
    }

    private void Note(optim.Optimizer optimizer, bool anyGradient, bool nonFinite)
    {
        (anyGradient, nonFinite) = Agree(anyGradient, nonFinite);
        _progress[optimizer] = new OptimizerProgress(Stage.Unscaled, anyGradient, nonFinite);
    }

    private Stage StageOf(optim.Optimizer optimizer) => _progress.TryGetValue(optimizer, out OptimizerProgress progress) ? progress.Stage : Stage.Ready;

    private void RequireScaled([CallerMemberName] string caller = "")
    {
        if (!_hasScaled)
        {
            throw new InvalidOperationException($"{caller} is called before anything was scaled. Run backward on Scale(loss) first.");
        }
    }

    private static float ValidScale(double scale) =>
        (float)scale > 0 && float.IsFinite((float)scale) ? (float)scale : throw OutOfRange(scale, "a number above 0 within float32's range", "scale");

    private static ArgumentOutOfRangeException OutOfRange(double value, string range, [CallerMemberName] string name = "") =>
        new(name, FormattableString.Invariant($"a GradScaler's {name} is {value}. Give {range}."));

    private enum Stage
    {
        Ready,
        Unscaled,
        Stepped,
    }

    private readonly record struct OptimizerProgress(Stage Stage, bool AnyGradient, bool NonFinite);
}

/// <summary>
/// An optimizer that divides gradients by the scale while it reads them for the update, so that <see cref="GradScaler.Step"/> needs no pass over
/// memory of its own for that. It is what <c>grad_scale</c> and <c>found_inf</c> are for PyTorch's fused optimizers.
/// </summary>
/// <remarks>
/// <see cref="GradScaler.Step"/> calls <see cref="CheckGradients"/>, lets the ranks agree, and then calls <see cref="Step"/> or <see cref="SkipStep"/>.
/// After <see cref="GradScaler.Unscale"/> the gradients are unscaled in memory, and it calls the optimizer's usual <c>step()</c> or <see cref="SkipStep"/>.
/// </remarks>
public interface IUnscalingOptimizer
{
    /// <summary>Reads all gradients, which are still scaled, and changes nothing.</summary>
    /// <returns>Whether there is a gradient at all, and whether an element is infinite or NaN.</returns>
    (bool AnyGradient, bool NonFinite) CheckGradients();

    /// <summary>Updates the parameters with the gradients times a factor. The gradients are those that <see cref="CheckGradients"/> saw last.</summary>
    /// <param name="inverseScale">1 / scale.</param>
    void Step(double inverseScale);

    /// <summary>The update is left out: parameters and state stay as they are. What is done to the gradients with each step is done now, too.</summary>
    void SkipStep();
}
