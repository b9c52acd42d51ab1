using System.Globalization;

namespace Convoy.Lanes.Training;

/// <summary>The loss is not a number any more, so no further step can mend the weights.</summary>
public sealed class TrainingDivergedException : Exception
{
    /// <param name="step">The step, from 1.</param>
    /// <param name="loss">Its loss.</param>
    public TrainingDivergedException(long step, double loss)
        : base(string.Create(CultureInfo.InvariantCulture, $"the loss is no longer finite ({loss} at step {step}). Lower --lr, or continue from the last checkpoint with --resume and another --lr."))
    {
    }
}
