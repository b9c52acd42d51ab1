namespace Convoy.Torch.Amp;

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
