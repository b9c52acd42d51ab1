using TorchSharp;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// One rank of a test: <c>Worker SCENARIO [ARGUMENT...]</c>, or <c>Worker serve</c> for one after another; <c>Worker sequence SCENARIO [ARGUMENT...] + SCENARIO ...</c>
/// runs one after the other in one process, whose groups join one after the other; <c>Worker program CASE</c> is a program that starts its ranks itself. What a scenario finds wrong
/// ends it with exit code 1.
/// </summary>
internal static class Program
{
    private static readonly Dictionary<string, Action<string[]>> Scenarios = new(StringComparer.Ordinal)
    {
        [nameof(Absent)] = Absent.Run,
        [nameof(AddUp)] = AddUp.Run,
        [nameof(Collectives)] = Collectives.Run,
        [nameof(ChosenBackend)] = ChosenBackend.Run,
        [nameof(DescribeRank)] = DescribeRank.Run,
        [nameof(ExposedCommunication)] = ExposedCommunication.Run,
        [nameof(TrainThroughTrouble)] = TrainThroughTrouble.Run,
        [nameof(LoopCheckpointing)] = LoopCheckpointing.Run,
        [nameof(LoopPieces)] = LoopPieces.Run,
        [nameof(MpiInProcess)] = MpiInProcess.Run,
        [nameof(MovingCollectives)] = MovingCollectives.Run,
        [nameof(Messages)] = Messages.Run,
        [nameof(SubGroups)] = SubGroups.Run,
        [nameof(AllToAllMismatch)] = AllToAllMismatch.Run,
        [nameof(Asynchronous)] = Asynchronous.Run,
        [nameof(StoppedPeer)] = StoppedPeer.Run,
        [nameof(ThrowingPeer)] = ThrowingPeer.Run,
        [nameof(RandomCollectives)] = RandomCollectives.Run,
        [nameof(TrainingParity)] = TrainingParity.Run,
        [nameof(EndedWhileJoining)] = EndedWhileJoining.Run,
        [nameof(FailOnce)] = FailOnce.Run,
        [nameof(FailingRank)] = FailingRank.Run,
        [nameof(FullSharedMemory)] = FullSharedMemory.Run,
        [nameof(BarrierStress)] = BarrierStress.Run,
        [nameof(Mismatch)] = Mismatch.Run,
        [nameof(LostPeer)] = LostPeer.Run,
        [nameof(LatePeer)] = LatePeer.Run,
        [nameof(FileStoreTraffic)] = FileStoreTraffic.Run,
        [nameof(LostPeerInBackward)] = LostPeerInBackward.Run,
        [nameof(NormInputChangedInPlace)] = NormInputChangedInPlace.Run,
        [nameof(DifferentModels)] = DifferentModels.Run,
        [nameof(TrainConvolutions)] = TrainConvolutions.Run,
        [nameof(CompressedGradients)] = CompressedGradients.Run,
        [nameof(PowerSGDGradients)] = PowerSGDGradients.Run,
        [nameof(PowerSGDTraining)] = PowerSGDTraining.Run,
        [nameof(ZeroRedundancyTraining)] = ZeroRedundancyTraining.Run,
        [nameof(ZeroSaving)] = ZeroSaving.Run,
        [nameof(JoinWithUnevenInputs)] = JoinWithUnevenInputs.Run,
        [nameof(JoinFailures)] = JoinFailures.Run,
        [nameof(SyncBatchNormVariants)] = SyncBatchNormVariants.Run,
        [nameof(SyncBatchNormFusedVariants)] = SyncBatchNormFusedVariants.Run,
        [nameof(SyncBatchNormAgreement)] = SyncBatchNormAgreement.Run,
        [nameof(CheckpointedActivations)] = CheckpointedActivations.Run,
        [nameof(KernelsOfRanks)] = KernelsOfRanks.Run,
        [nameof(ElasticTraining)] = ElasticTraining.Run,
        [nameof(MixedPrecision)] = MixedPrecision.Run,
        [nameof(NarrowRecurrence)] = NarrowRecurrence.Run,
        [nameof(MixedGraphs)] = MixedGraphs.Run,
        [nameof(UnusedParameters)] = UnusedParameters.Run,
        [nameof(OverlappedReduction)] = OverlappedReduction.Run,
        [nameof(CheckedMismatch)] = CheckedMismatch.Run,
        [nameof(CheckedCollectives)] = CheckedCollectives.Run,
        [nameof(FewerCalls)] = FewerCalls.Run,
        [nameof(UnevenBatches)] = UnevenBatches.Run,
        [nameof(OverlapOverSlowLink)] = OverlapOverSlowLink.Run,
        [nameof(MissingAtMonitoredBarrier)] = MissingAtMonitoredBarrier.Run,
        [nameof(ObjectCollectives)] = ObjectCollectives.Run,
        [nameof(EvaluationOverRanks)] = EvaluationOverRanks.Run,
        [nameof(MainRank)] = MainRank.Run,
        [nameof(PlainBackward)] = PlainBackward.Run,
        [nameof(SeveralInputsAndOutputs)] = SeveralInputsAndOutputs.Run,
        [nameof(ForgottenBackward)] = ForgottenBackward.Run,
        [nameof(StartMpich)] = StartMpich.Run,
        [nameof(StrangersKnock)] = StrangersKnock.Run,
        [nameof(ThreePrograms)] = ThreePrograms.Run,
    };

    private static int Main(string[] args)
    {
        torch.set_num_threads(1);
        return args is ["sequence", ..] ? RunSequence(args[1..]) : args is [Server.Name] ? Server.Run(Run) : args is [SpawningProgram.Name, ..] ? SpawningProgram.Run(args[1..]) : Run(args);
    }

    private static int RunSequence(string[] args)
    {
        for (int start = 0; start < args.Length;)
        {
            int end = Array.IndexOf(args, "+", start) is var found && found < 0 ? args.Length : found;
            if (Run(args[start..end]) is not 0 and var code)
            {
                Console.Error.WriteLine($"in {args[start]}");
                return code;
            }

            start = end + 1;
        }

        return 0;
    }

    private static int Run(string[] args)
    {
        try
        {
            Pass.IsPlain = args.Contains(Pass.Plain);
            Scenarios[args[0]](args[1..]);
            return 0;
        }
        catch (Exception error)
        {
            Console.Error.WriteLine($"{error.GetType().Name}: {error.Message}");
            Console.Error.WriteLine(error.StackTrace);
            return 1;
        }
    }
}
