using System.Globalization;

namespace Convoy.Training.Studies;

/// <summary>One run of a study.</summary>
/// <param name="Configuration">What it trains with.</param>
/// <param name="Repeat">Which of the configuration's runs it is, from 1.</param>
public sealed record StudyRun(StudyConfiguration Configuration, int Repeat)
{
    /// <summary>The name of its run directory: <c>2x1-bf16-run1</c>.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Configuration.Name}-run{Repeat}");
}
