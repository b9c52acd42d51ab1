namespace Convoy.Distributed.Rendezvous;

/// <summary>A process's number and the number of processes, in the job and on this machine.</summary>
internal readonly record struct RankPlace(int Rank, int WorldSize, int LocalRank, int LocalWorldSize)
{
    public const int MostRanks = 65536;
}
