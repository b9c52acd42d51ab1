namespace Convoy.Distributed.Rendezvous;

/// <summary>torchrun's variables, which Convoy's launcher sets too.</summary>
internal sealed class TorchrunRanks : RankSource
{
    public override string Name => "RANK and WORLD_SIZE";

    public override string MasterRemedy => "Set it to a port that is free on the machine of rank 0, from 1 to 65535, or start the program with a launcher, which sets it.";

    public override bool IsPresent(Func<string, bool> isSet) => isSet(RankEnvironment.RankVariable) || isSet(RankEnvironment.WorldSizeVariable);

    public override RankPlace Read(RankVariables variables) =>
        Place(variables, RankEnvironment.RankVariable, RankEnvironment.WorldSizeVariable, RankEnvironment.LocalRankVariable, RankEnvironment.LocalWorldSizeVariable);
}
