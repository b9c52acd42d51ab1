namespace Convoy.Analysis.Scaling;

/// <summary>A law of how the time depends on the number of processes.</summary>
public abstract class ScalingModel
{
    /// <summary>The model's name in reports.</summary>
    public abstract string Name { get; }

    /// <summary>How many numbers of processes have to be measured to determine its parameters.</summary>
    public abstract int LeastPoints { get; }

    /// <summary>All models.</summary>
    /// <param name="gradientBytes">Bytes that every process sends to the average of one step; null when not known.</param>
    public static IReadOnlyList<ScalingModel> All(double? gradientBytes = null) =>
        [new AmdahlModel(), new UniversalScalabilityModel(), new CommunicationModel(gradientBytes)];

    /// <summary>Fits the parameters.</summary>
    /// <param name="points">The measured points.</param>
    /// <returns>The fitted model; null when there are too few points or they lack what the model needs.</returns>
    public abstract FittedModel? Fit(IReadOnlyList<ScalingPoint> points);
}
