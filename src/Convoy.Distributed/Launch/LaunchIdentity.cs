namespace Convoy.Distributed.Launch;

/// <summary>What belongs to one call of a launcher and stays the same over its restarts.</summary>
/// <param name="LaunchId">An unguessable mark in the environment of every process that this launcher starts.</param>
/// <param name="RunId">TORCHELASTIC_RUN_ID: the job's name, which launchers on other machines share.</param>
/// <param name="Secret">CONVOY_JOB_SECRET: what a worker shows to the store.</param>
/// <param name="ErrorDirectory">Where the workers record their errors, see <see cref="WorkerErrorFile"/>.</param>
internal sealed record LaunchIdentity(string LaunchId, string RunId, string Secret, string ErrorDirectory);
