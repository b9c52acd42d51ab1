using Convoy.Distributed.Launch;
using Convoy.Training.Programs;
using Convoy.Training.Studies;

namespace Convoy.Cli.Scaling;

/// <summary>A study that was asked for.</summary>
/// <param name="Study">Where it goes.</param>
/// <param name="Settings">What it measures.</param>
/// <param name="Task">Whose task it measures; null for a program without one.</param>
/// <param name="Program">How the processes of a program without a task are started; null for a task.</param>
internal sealed record ScaleRequest(StudyDirectory Study, StudySettings Settings, TaskProgram? Task, LaunchProgram? Program);
