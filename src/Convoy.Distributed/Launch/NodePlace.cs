namespace Convoy.Distributed.Launch;

/// <summary>One machine's part of a job.</summary>
/// <param name="NodeRank">GROUP_RANK: the machine's number.</param>
/// <param name="NodeCount">GROUP_WORLD_SIZE: how many machines there are.</param>
/// <param name="FirstRank">The rank of its first worker: the others follow in the order of LOCAL_RANK.</param>
/// <param name="WorldSize">WORLD_SIZE: the workers of all machines.</param>
internal sealed record NodePlace(int NodeRank, int NodeCount, int FirstRank, int WorldSize);
