
namespace Convoy.Training.Studies;

/// <summary>A run of a study that came to nothing.</summary>
/// <param name="Run">The run.</param>
/// <param name="Reason">Why, in one line.</param>
/// <param name="Folder">Where its logs are.</param>
internal sealed record FailedRun(StudyRun Run, string Reason, string Folder);
