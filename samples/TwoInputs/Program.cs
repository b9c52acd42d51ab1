using Convoy.Samples.TwoInputs;
using Convoy.Training.Programs;

return TrainingProgram.Run(args, new PairsTask());
