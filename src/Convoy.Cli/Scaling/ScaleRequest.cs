using Convoy.Training.Programs;
using Convoy.Training.Studies;

namespace Convoy.Cli.Scaling;

/// <summary>A study that was asked for.</summary>
/// <param name="Study">Where it goes.</param>
/// <param name="Settings">What it measures.</param>
/// <param name="Task">Whose task it measures.</param>
internal sealed record ScaleRequest(StudyDirectory Study, StudySettings Settings, TaskProgram Task);
